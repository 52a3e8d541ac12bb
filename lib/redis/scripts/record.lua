-- Writes or takes back the record that all users of a prefix must agree with, if the node has the record that the
-- caller expects, or the new one already (protocol 11.2). KEYS: the marker.
-- ARGV: the prefix, the run_id of the server that was inspected, the record expected (empty: none), the new one (empty:
-- none), 1: it is provisional; and, if init --reconfigure holds the node, the ID of the hold and used:at as it was then,
-- in one word (else empty).
-- Answers {'recorded'}, {'different', the record, in how many ms it lapses (-1: never)} or {'changed'}: the server has
-- restarted, the hold is over, or a lock was used.
--include _guard.lua
--include _terms.lua
local at, expected, new = ARGV[1], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if id_in(redis.call('INFO', 'server'), 'run_id:') ~= ARGV[2] then return {'changed'} end
local known = redis.call('HMGET', KEYS[1], 'terms:' .. at, 'trial:' .. at, 'hold:' .. at, 'used:' .. at)
local left, id = hold_of(known[3], now)
if ARGV[6] ~= '' and (id or '') .. ' ' .. (known[4] or '') ~= ARGV[6] then return {'changed'} end
local found, lapse = record_of(known[1], known[2], now)
found = found or ''
if found ~= expected and found ~= new then return {'different', found:sub(1, 100), lapse or -1} end
if new == '' then
    redis.call('HDEL', KEYS[1], 'terms:' .. at, 'trial:' .. at)
else
    -- First whether the user may do what follows: a script is not rolled back.
    redis.call('HDEL', KEYS[1], 'nothing')
    redis.call('HSET', KEYS[1], 'terms:' .. at, new)
    if known[2] and ARGV[5] ~= '1' then redis.call('HDEL', KEYS[1], 'trial:' .. at) end
    if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'trial:' .. at, string.format('%.0f', now)) end
end
if ARGV[6] ~= '' then redis.call('HDEL', KEYS[1], 'hold:' .. at) end
return {'recorded'}
