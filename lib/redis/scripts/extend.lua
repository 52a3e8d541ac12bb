-- The node's part of an extend (protocol 5). KEYS: the lock. ARGV: token, ttl in ms.
-- Answers {'extended'}, {'absent'} or {'not ours', holder}.
local key, token, ttl = KEYS[1], ARGV[1], ARGV[2]

local kind = redis.call('TYPE', key).ok
if kind == 'none' then return {'absent'} end
local holder = kind == 'string' and redis.call('GET', key)
if holder ~= token then return {'not ours', (holder or '(' .. kind .. ')'):sub(1, 1024)} end

-- Never lower what is left, and leave a key alone that never expires. PEXPIRE works without memory, SET does not.
local left = redis.call('PTTL', key)
if left >= 0 and left < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
return {'extended'}
