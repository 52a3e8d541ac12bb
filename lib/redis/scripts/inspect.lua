-- What doctor wants to know of a node; a node without a marker, or with one of before its start, gets one. KEYS: the
-- marker. ARGV: where it keeps what was agreed.
-- Answers {'inspected', TIME in microseconds, then texts: run_id, since when it may vote in microseconds (empty: it
-- must not be a node), what was agreed, role, cluster_enabled, maxmemory, maxmemory_policy}; empty: not known.
--include _guard.lua
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state, since = node_state(KEYS[1], now)
local run_id = id_in(redis.call('INFO', 'server'), 'run_id:')
local links, memory = redis.call('INFO', 'replication'), redis.call('INFO', 'memory')
return {'inspected', now, run_id, state and string.format('%.0f', since) or '',
    redis.call('HGET', KEYS[1], ARGV[1]) or '', links:match('role:(%a+)') or '',
    redis.call('INFO', 'cluster'):match('cluster_enabled:(%d)') or '', memory:match('maxmemory:(%d+)') or '',
    memory:match('maxmemory_policy:([%w-]+)') or ''}
