-- The node's part of a release or an abandon (protocol 6): compare and delete. KEYS: the lock. ARGV: token.
-- Answers {'deleted'}, {'absent'} or {'not ours', holder}.
local key, token = KEYS[1], ARGV[1]

local kind = redis.call('TYPE', key).ok
if kind == 'none' then return {'absent'} end
local holder = kind == 'string' and redis.call('GET', key)
if holder ~= token then return {'not ours', (holder or '(' .. kind .. ')'):sub(1, 1024)} end

redis.call('DEL', key)
return {'deleted'}
