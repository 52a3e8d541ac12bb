-- Ends the quarantine of a node that no client has used yet: it cannot have forgotten a lock (protocol 11.3).
-- KEYS: the marker. ARGV: run_id and joined as they were inspected, so that a delayed request does not hit a later restart.
-- Answers {'trusted'}, {'used'} or {'changed'}.
--include _guard.lua
local time = redis.call('TIME')
local run_id, since = node_state(KEYS[1], time[1] * 1000000 + time[2])
if not run_id then return redis.error_reply(since) end
if run_id ~= ARGV[1] or string.format('%.0f', since) ~= ARGV[2] then return {'changed'} end
if redis.call('HMGET', KEYS[1], 'used')[1] then return {'used'} end
redis.call('HSET', KEYS[1], 'joined', '0')
return {'trusted'}
