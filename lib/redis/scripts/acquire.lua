-- The node's part of an acquire (protocol 3). KEYS: the lock. ARGV: token, ttl in ms.
-- Answers {'granted'} or {'refused', holder, PTTL}; a PTTL of -1 means that the key never expires.
local key, token, ttl = KEYS[1], ARGV[1], ARGV[2]

-- The type first: a command that meets the wrong one fails, and a script is not rolled back.
local kind = redis.call('TYPE', key).ok
if kind == 'none' then
    redis.call('SET', key, token, 'PX', ttl)
    return {'granted'}
end
local holder = kind == 'string' and redis.call('GET', key)
if holder == token then
    -- Sent twice: the caller counts from the second sending, so the key must live as long.
    redis.call('PEXPIRE', key, ttl)
    return {'granted'}
end
return {'refused', (holder or '(' .. kind .. ')'):sub(1, 1024), redis.call('PTTL', key)}
