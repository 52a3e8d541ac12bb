-- Is this the data set of which this server has been a node all along? Put before the scripts that ask. Answers the
-- server's run_id and, in microseconds of its clock, since when it may vote; or nil and why it must not be a node.
--
-- The marker lives inside the data set: it goes with it, and comes back with it, so that a crash with or without its
-- data, FLUSHALL and a different data set are all seen (protocol 9.2). A server that was a replica in between may have
-- got back a copy of its own data. Its master_replid2 is a different one then. A server that never was a replica has
-- all zeros there; so has, after some time, a server that no replica follows any more. Data that survived a restart may
-- lack what was written in the last seconds before it.

-- What INFO tells. A pattern that must look for its beginning takes longer than all the rest.
local function id_in(info, name)
    local _, last = info:find(name, 1, true)
    return last and info:sub(last + 1, last + 40):match('^%x*') or ''
end
local function who_it_followed(links)
    local followed = id_in(links, 'master_replid2:')
    return followed:find('[1-9a-f]') and followed or ''
end

local function node_state(node_key, now)
    local links = redis.call('INFO', 'replication')
    if not links:find('role:master', 1, true) then
        return nil,
            'UNFIT replica of ' .. (links:match('master_host:(%C+)') or '?') .. (links:match('master_port(:%d+)') or '')
    end
    local run_id, followed = id_in(redis.call('INFO', 'server'), 'run_id:'), who_it_followed(links)
    if run_id == '' then return nil, 'UNFIT nameless' end
    local known = redis.pcall('HMGET', node_key, 'run_id', 'joined', 'checked', 'followed')
    -- Anybody may have written it: what is negative or no moment at all proves nothing.
    if known[2] and not known[2]:find('^%d+$') then known[2] = nil end
    if known.err then return nil, known.err end
    local joined, checked = tonumber(known[2] or ''), tonumber(known[3] or '')
    local same = known[1] == run_id and joined and joined <= now and (followed == '' or followed == known[4])
    if same and checked and checked <= now and now < checked + 10000000 then return run_id, joined end

    local memory = redis.call('INFO', 'memory')
    if redis.call('INFO', 'cluster'):find('cluster_enabled:1', 1, true) then return nil, 'UNFIT cluster' end
    local policy = memory:match('maxmemory_policy:([%w-]+)') or 'noeviction'
    if tonumber(memory:match('maxmemory:(%d+)') or '0') > 0 and policy ~= 'noeviction' then
        redis.call('HDEL', node_key, 'run_id', 'joined') -- what it has thrown away by then, nobody knows
        return nil, 'UNFIT evicting ' .. policy
    end

    if not same then
        joined = now
        local marked = redis.pcall('HSET', node_key, 'run_id', run_id, 'joined', string.format('%.0f', now), 'followed',
            followed, 'floor', string.format('%.0f', now + 10000000))
        -- Without memory there is no marker, and the quarantine would begin anew for ever.
        if type(marked) == 'table' then return nil, marked.err end
    end
    -- This may fail: the node is asked again the next time.
    redis.pcall('HSET', node_key, 'checked', string.format('%.0f', now))
    return run_id, joined
end
