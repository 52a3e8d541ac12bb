-- For so long no lock of a prefix is granted on this node; those that are held are prolonged and released as ever.
-- init --reconfigure finds out meanwhile whether there are any (protocol 11.5). KEYS: the marker.
-- ARGV: the prefix, the run_id of the server that was inspected, the record expected (empty: none), the caller's ID, for how many ms (0: no longer).
-- Answers {'on hold', used:at, lock:at}, {'free'}, {'busy', for how many ms}: somebody else's hold, {'different', the
-- record, in how many ms it lapses (-1: never)} or {'changed'}: the server has restarted.
--include _guard.lua
--include _terms.lua
local at, length = ARGV[1], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if id_in(redis.call('INFO', 'server'), 'run_id:') ~= ARGV[2] then return {'changed'} end
local known = redis.call('HMGET', KEYS[1], 'terms:' .. at, 'trial:' .. at, 'hold:' .. at, 'used:' .. at, 'lock:' .. at)
local left, id = hold_of(known[3], now)
if left and id ~= ARGV[4] then return {'busy', left} end
if length == 0 then
    redis.call('HDEL', KEYS[1], 'hold:' .. at)
    return {'free'}
end
local found, lapse = record_of(known[1], known[2], now)
found = found or ''
if found ~= ARGV[3] then return {'different', found:sub(1, 100), lapse or -1} end
redis.call('HSET', KEYS[1], 'hold:' .. at, string.format('%.0f %.0f %s', now, length * 1000, ARGV[4]))
return {'on hold', known[4] or '', known[5] or ''}
