-- Who holds the lock? Changes nothing. KEYS: the lock.
-- Answers {'absent'} or {'held', holder, PTTL}; a PTTL of -1 means that the key never expires.
local key = KEYS[1]

local kind = redis.call('TYPE', key).ok
if kind == 'none' then return {'absent'} end
local holder = kind == 'string' and redis.call('GET', key) or '(' .. kind .. ')'
return {'held', holder:sub(1, 1024), redis.call('PTTL', key)}
