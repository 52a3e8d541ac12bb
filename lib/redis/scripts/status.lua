-- Tells which token holds the lock, and changes nothing (protocol 15.5). KEYS: the lock, its fence.
-- Answers {'absent'} or {'held', holder, PTTL, fence}; a PTTL of -1 means that the key never expires, a fence of 0 that
-- none is known.
local key, fence_key = KEYS[1], KEYS[2]

local kind = redis.call('TYPE', key).ok
if kind == 'none' then return {'absent'} end
local holder = kind == 'string' and redis.call('GET', key) or '(' .. kind .. ')'
return {'held', holder:sub(1, 1024), redis.call('PTTL', key), tonumber(redis.pcall('GET', fence_key) or '') or 0}
