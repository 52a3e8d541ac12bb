-- The node's part of a release or an abandon (protocol 8.1): compare and delete. KEYS: the lock, its fence.
-- ARGV: token, fence (0: not known). Answers {'deleted'}, {'absent'} or {'not ours', holder}.
local key, fence_key = KEYS[1], KEYS[2]
local token, fence = ARGV[1], tonumber(ARGV[2])

local kind = redis.call('TYPE', key).ok
local holder = kind == 'string' and redis.call('GET', key)
local answer = {'absent'}
if holder == token then
    redis.call('DEL', key)
    answer = {'deleted'}
elseif kind ~= 'none' then
    answer = {'not ours', (holder or '(' .. kind .. ')'):sub(1, 1024)}
end

-- Whoever holds it now: a fence may always be raised to one that was given out.
if fence > 0 and fence > (tonumber(redis.pcall('GET', fence_key) or '') or 0) then
    redis.pcall('SET', fence_key, string.format('%.0f', fence), 'EX', 2592000)
end
return answer
