-- Is this the data set of which this server has been a node all along? Put before the scripts that ask. Answers the
-- server's run_id and, in microseconds of its clock, since when it may vote; or nil and why it must not be a node.
--
-- The marker lives inside the data set: it goes with it, and comes back with it, so that a crash with or without its
-- data, FLUSHALL and somebody else's data set are all seen (protocol 7).
local function node_state(node_key, now)
    local server = redis.call('INFO', 'server')
    local run_id = server:match('run_id:(%x+)')
    local known = redis.call('HMGET', node_key, 'run_id', 'joined', 'checked')
    local joined, checked = tonumber(known[2] or ''), tonumber(known[3] or '')
    if known[1] == run_id and joined and joined <= now and checked and checked <= now and now < checked + 10000000 then
        return run_id, joined
    end

    local links, memory = redis.call('INFO', 'replication'), redis.call('INFO', 'memory')
    if redis.call('INFO', 'cluster'):find('cluster_enabled:1', 1, true) then return nil, 'UNFIT cluster' end
    if not links:find('role:master', 1, true) then return nil, 'UNFIT replica' end
    local policy = memory:match('maxmemory_policy:([%w-]+)') or 'noeviction'
    if tonumber(memory:match('maxmemory:(%d+)') or '0') > 0 and policy ~= 'noeviction' then
        return nil, 'UNFIT evicting ' .. policy
    end

    if known[1] ~= run_id or not joined or joined > now then
        -- Data that has survived a restart says nothing of what the last seconds before it wrote: nothing is known from
        -- before the start (5 s later, for the clock may have been set). Data taken over from another server says nothing
        -- of what was here.
        local up = tonumber(server:match('uptime_in_seconds:(%d+)') or '0') * 1000000
        local own = known[1] and joined and not links:find('master_replid2:%x*[1-9a-f]')
        joined = own and math.min(now, math.max(joined, now - up + 5000000)) or now
        -- Without memory nothing can be written: the node goes on without a vote, and its leases can be renewed.
        redis.pcall('HSET', node_key, 'run_id', run_id, 'joined', string.format('%.0f', joined))
        redis.pcall('HSETNX', node_key, 'id', run_id)
        redis.pcall('HSETNX', node_key, 'floor', string.format('%.0f', now + 10000000))
    end
    redis.pcall('HSET', node_key, 'checked', string.format('%.0f', now))
    return run_id, joined
end
