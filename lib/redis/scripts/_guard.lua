-- Is this the data set of which this server has been a node all along? Put before the scripts that ask. Answers the
-- server's run_id and, in microseconds of its clock, since when it may vote; or nil and why it must not be a node.
--
-- The marker lives inside the data set: it goes with it, and comes back with it, so that a crash with or without its
-- data, FLUSHALL and somebody else's data set are all seen (protocol 7). Whoever has been a replica in between, and
-- thereby got back a copy of its own data, has another master_replid2; it is all zeros where it never was one, and again
-- some time after nobody follows any more. What survived a restart says nothing of what the last seconds before it wrote.
local function node_state(node_key, now)
    local links = redis.call('INFO', 'replication')
    if not links:find('role:master', 1, true) then return nil, 'UNFIT replica' end
    local run_id = redis.call('INFO', 'server'):match('run_id:(%x+)')
    local followed = links:match('master_replid2:(%x*[1-9a-f]%x*)') or ''
    local known = redis.call('HMGET', node_key, 'run_id', 'joined', 'checked', 'followed')
    local joined, checked = tonumber(known[2] or ''), tonumber(known[3] or '')
    local same = known[1] == run_id and joined and joined <= now and (followed == '' or followed == known[4])
    if same and checked and checked <= now and now < checked + 10000000 then return run_id, joined end

    local memory = redis.call('INFO', 'memory')
    if redis.call('INFO', 'cluster'):find('cluster_enabled:1', 1, true) then return nil, 'UNFIT cluster' end
    local policy = memory:match('maxmemory_policy:([%w-]+)') or 'noeviction'
    if tonumber(memory:match('maxmemory:(%d+)') or '0') > 0 and policy ~= 'noeviction' then
        return nil, 'UNFIT evicting ' .. policy
    end

    -- Without memory nothing can be written: the node goes on without a vote, and its leases can be renewed.
    if not same then
        joined = now
        redis.pcall('HSET', node_key, 'run_id', run_id, 'joined', string.format('%.0f', now), 'followed', followed,
            'floor', string.format('%.0f', now + 10000000))
    end
    redis.pcall('HSET', node_key, 'checked', string.format('%.0f', now))
    return run_id, joined
end
