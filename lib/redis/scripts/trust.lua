-- Somebody who knows declares that no vote of this server's can have been forgotten: it is new, or its locks have
-- ended. KEYS: the node's marker. Answers {'trusted'}.
--include _guard.lua
local time = redis.call('TIME')
local run_id = id_in(redis.call('INFO', 'server'), 'run_id:')
local followed = who_it_followed(redis.call('INFO', 'replication'))
redis.call('HSET', KEYS[1], 'run_id', run_id, 'joined', '0', 'followed', followed)
redis.call('HSETNX', KEYS[1], 'floor', string.format('%.0f', time[1] * 1000000 + time[2] + 10000000))
return {'trusted'}
