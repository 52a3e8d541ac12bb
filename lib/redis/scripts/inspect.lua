-- What doctor wants to know of a node; a node without a marker, or with one of before its start, gets one. KEYS: the
-- marker. ARGV: where it keeps what was agreed.
-- Answers {'inspected', TIME in microseconds, then texts: run_id, since when it may vote in microseconds (empty: it
-- must not be a node), what was agreed (empty: nothing yet), why it must not be a node}.
--include _guard.lua
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local run_id, since = node_state(KEYS[1], now)
local terms = redis.pcall('HMGET', KEYS[1], ARGV[1])[1]
return {'inspected', now, run_id or id_in(redis.call('INFO', 'server'), 'run_id:'),
    run_id and string.format('%.0f', since) or '', type(terms) == 'string' and terms or '', run_id and '' or since}
