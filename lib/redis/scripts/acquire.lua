-- The node's part of an acquire (protocol 3 and 4). KEYS: the lock, its fence, the node's marker.
-- ARGV: token, ttl in ms, proposal for the fence: the caller's UTC in microseconds; and in one word what all users of a
-- prefix must agree upon (nodes, quorum, restart guard in ms, 0: off), and the length of the prefix.
-- Answers {'granted', fence, TIME in microseconds, run_id}, {'refused', holder, PTTL}; a PTTL of -1 means that the key
-- never expires; {'quarantined', for so many ms} or {'contradiction', what was agreed}.
--include _guard.lua
local key, fence_key, node_key = KEYS[1], KEYS[2], KEYS[3]
local token, ttl, proposal = ARGV[1], ARGV[2], tonumber(ARGV[3])
local terms, guard, prefix = ARGV[4]:match('(%d+ %d+ (%d+)) (%d+)')
guard = tonumber(guard)
local keep = 2592000 + math.ceil(ttl / 1000) -- 30 days after the lock, in seconds

-- The type first: a command that meets the wrong one fails, and a script is not rolled back.
local kind = redis.call('TYPE', key).ok
local holder = kind == 'string' and redis.call('GET', key)
if kind ~= 'none' and holder ~= token then
    return {'refused', (holder or '(' .. kind .. ')'):sub(1, 1024), redis.call('PTTL', key)}
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local run_id, since = '', now
if guard > 0 then
    run_id, since = node_state(node_key, now)
    if not run_id then return redis.error_reply(since) end
end
-- Also without the guard: a lock longer than that of others would be no lock to them.
local terms_field = 'terms:' .. key:sub(1, prefix)
local known = redis.call('HMGET', node_key, terms_field, 'floor')
local agreed, floor = known[1], tonumber(known[2] or '')
if agreed and agreed ~= terms then return {'contradiction', agreed:sub(1, 100)} end
local left = since + guard * 1000 - now
if guard > 0 and left > 0 then return {'quarantined', math.ceil(left / 1000)} end

local recorded = redis.call('GET', fence_key)
local fence = tonumber(recorded or '')
-- Sent twice: the fence stays.
if not (holder and fence) then
    -- What was given out before data went was no further ahead of the clock than the floor.
    if not known[2] then
        floor = now + 10000000
        redis.call('HSET', node_key, 'floor', string.format('%.0f', floor))
    end
    -- Never held, or not for 30 days, or forgotten.
    if not recorded then fence = now - 1 end
    -- Below 2^53 less 2^40: a name must not run out of numbers.
    local highest = 9006099743113216
    local sound = fence and fence >= 0 and fence < highest and fence % 1 == 0
    if not (sound and floor and floor >= 0 and floor < highest) then
        return redis.error_reply('ERR the fence on record is no number below 2^53 - 2^40')
    end
    -- A clock that is too far ahead would use up the numbers; it is no reason to vote no.
    if proposal > now + 10000000 then proposal = 0 end
    fence = math.max(fence + 1, proposal, floor)
    -- Before the lock: without memory this fails, and the lock must not be there then.
    redis.call('SET', fence_key, string.format('%.0f', fence), 'EX', keep)
end
if not holder then
    -- Extend, release and status need these. A node that denies one of them must not vote; without the key they change
    -- nothing. Behind the fence: after a write, a server without memory refuses no SET of the same script any more.
    redis.call('PEXPIRE', key, ttl)
    redis.call('PTTL', key)
    redis.call('DEL', key)
end
-- Only with a vote: who is turned away has no say in it.
if guard > 0 and not agreed then redis.call('HSET', node_key, terms_field, terms) end
if holder then
    -- The caller counts from the second sending, so the key must live as long.
    redis.call('PEXPIRE', key, ttl)
else
    redis.call('SET', key, token, 'PX', ttl)
end
return {'granted', fence, now, run_id}
