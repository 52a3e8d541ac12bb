-- The node's part of an extend (protocol 7.1). KEYS: the lock, its fence, the node's marker.
-- ARGV: token, ttl in ms, fence (0: not known); and in one word: TIME in microseconds up to which a key that is gone
-- may be set again (0: never), what all users of a prefix must agree upon (as in acquire), and the prefix's length.
-- Answers {'not ours', holder} or {what, TIME, the rest of the node's quarantine in ms, what others have agreed upon
-- instead (empty: nothing), run_id (empty without the guard)}. `what` is 'extended', 'set anew' or 'absent'. When the
-- server must not be a node, the key is prolonged, and an error is the answer in place of 'extended'.
--include _guard.lua
--include _terms.lua
local key, fence_key, node_key = KEYS[1], KEYS[2], KEYS[3]
local token, ttl, fence = ARGV[1], ARGV[2], tonumber(ARGV[3])
local until_time, terms, guard, prefix = ARGV[4]:match('(%d+) (%d+ %d+ (%d+)) (%d+)')

local kind = redis.call('TYPE', key).ok
local holder = kind == 'string' and redis.call('GET', key)
if kind ~= 'none' and holder ~= token then return {'not ours', (holder or '(' .. kind .. ')'):sub(1, 1024)} end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- A node that has lost its data is marked so at once, and not only when somebody wants its vote.
local left, unfit, run_id = 0, nil, ''
if guard ~= '0' then
    local since
    run_id, since = node_state(node_key, now)
    if run_id then left = math.max(0, math.ceil((since + guard * 1000 - now) / 1000)) else unfit = since end
end
local at = key:sub(1, prefix)
local known = redis.pcall('HMGET', node_key, 'terms:' .. at, 'trial:' .. at, 'used:' .. at)
unfit = unfit or known.err
local agreed, lapse = record_of(known[1], known[2], now)
local others = agreed and agreed ~= terms and agreed:sub(1, 100) or ''
local answer = unfit and redis.error_reply(unfit) or {'extended', now, left, others, run_id}
if holder then
    -- Never lower what is left, and leave a key alone that never expires. PEXPIRE works without memory, SET does not.
    local left = redis.call('PTTL', key)
    if left >= 0 and left <= tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
elseif now < tonumber(until_time) then
    redis.call('SET', key, token, 'PX', ttl)
    answer = {'set anew', now, left, others, run_id or ''}
else
    return {'absent', now, left, others, run_id or ''}
end

-- Behind what matters more, and without memory perhaps not at all: a quorum has it on record already. What a node has
-- lost of the agreement it learns from who holds a lock, rather than from who comes next and may be wrong.
local trial = agreed == terms and lapse and known[2]
if guard ~= '0' and not unfit and not agreed then
    redis.pcall('HSET', node_key, 'terms:' .. at, terms)
    trial = '0'
end
note_use(redis.pcall, node_key, at, key, now, known[3], trial)
fence = math.max(fence, tonumber(redis.pcall('GET', fence_key) or '') or 0)
if fence > 0 then redis.pcall('SET', fence_key, string.format('%.0f', fence), 'EX',
        2592000 + math.ceil(ttl / 1000)) end
return answer
