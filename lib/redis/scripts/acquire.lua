-- The node's part of an acquire (protocol 4.2). KEYS: the lock, its fence, the node's marker.
-- ARGV: token, ttl in ms, proposal for the fence: the caller's UTC in microseconds; and in one word what all users of a
-- prefix must agree upon (nodes, quorum, restart guard in ms, 0: off), and the length of the prefix.
-- Answers {'granted', fence, TIME in microseconds, run_id}, {'refused', holder, PTTL}; a PTTL of -1 means that the key
-- never expires; {'quarantined', for so many ms, 0: no client has used the node, 1: one has, 2: init --reconfigure lets
-- nobody begin}; or {'contradiction', the record, in how many ms it lapses (-1: never)}.
--include _guard.lua
--include _terms.lua
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
local at = key:sub(1, prefix)
local known = redis.call('HMGET', node_key, 'terms:' .. at, 'floor', 'trial:' .. at, 'used:' .. at, 'hold:' .. at, 'used')
local floor, hold = tonumber(known[2] or ''), hold_of(known[5], now)
if hold then return {'quarantined', hold, 2} end
local agreed, lapse = record_of(known[1], known[3], now)
if agreed and agreed ~= terms then return {'contradiction', agreed:sub(1, 100), lapse or -1} end
local left = since + guard * 1000 - now
if guard > 0 and left > 0 then return {'quarantined', math.ceil(left / 1000), known[6] and 1 or 0} end

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
-- A key that is ours already stays ours, also without memory for the notes.
local write, trial = holder and redis.pcall or redis.call, agreed and lapse and known[3]
-- Only with a vote: who is turned away has no say in it.
if guard > 0 and not agreed then
    write('HSET', node_key, 'terms:' .. at, terms)
    trial = '0'
end
note_use(write, node_key, at, key, now, known[4], trial)
if holder then
    -- The caller counts from the second sending, so the key must live as long.
    redis.call('PEXPIRE', key, ttl)
else
    redis.call('SET', key, token, 'PX', ttl)
end
return {'granted', fence, now, run_id}
