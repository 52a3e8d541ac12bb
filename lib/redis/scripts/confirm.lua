-- The node's part of the agreement on a fence (protocol 6.4). KEYS: the lock, its fence. ARGV: token, fence.
-- Answers {'confirmed', the fence that is on record now}, {'absent'} or {'not ours', holder}. Only for the owner: the
-- next one's fence then is higher. It may be above ours where others had the lock and we again, unheard.
local key, fence_key = KEYS[1], KEYS[2]
local token, fence = ARGV[1], tonumber(ARGV[2])

local kind = redis.call('TYPE', key).ok
if kind == 'none' then return {'absent'} end
local holder = kind == 'string' and redis.call('GET', key)
if holder ~= token then return {'not ours', (holder or '(' .. kind .. ')'):sub(1, 1024)} end

fence = math.max(fence, tonumber(redis.call('GET', fence_key) or '') or 0)
-- As long as the acquire would have it: 30 days after the lock.
redis.call('SET', fence_key, string.format('%.0f', fence), 'EX', 2592000 + math.ceil(redis.call('PTTL', key) / 1000))
return {'confirmed', fence}
