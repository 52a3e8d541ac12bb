-- What doctor and init want to know of a node; a node without a marker, or with one of before its start, gets one
-- (protocol 9.3).
-- KEYS: the marker. ARGV: the prefix.
-- Answers {'inspected', TIME in microseconds, run_id, since when it may vote in microseconds (text; empty: it must not
-- be a node), the record that all users must agree with (empty: none yet), why it must not be a node, in how many ms
-- the record lapses (-1: never), used (empty: never), used:at, lock:at, the ID of a hold, and for how many ms more it
-- lasts}.
--include _guard.lua
--include _terms.lua
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local run_id, since = node_state(KEYS[1], now)
local at = ARGV[1]
local known = redis.pcall('HMGET', KEYS[1], 'terms:' .. at, 'trial:' .. at, 'used', 'used:' .. at, 'lock:' .. at,
    'hold:' .. at)
local terms, lapse = record_of(known[1], known[2], now)
local left, id = hold_of(known[6], now)
return {'inspected', now, run_id or id_in(redis.call('INFO', 'server'), 'run_id:'),
    run_id and string.format('%.0f', since) or '', (terms or ''):sub(1, 100), run_id and '' or since, lapse or -1,
    known[3] or '', known[4] or '', known[5] or '', id or '', left or 0}
