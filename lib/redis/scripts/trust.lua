-- Somebody who knows declares that no vote of this server's can have been forgotten: it is new, or its locks have ended.
-- KEYS: the node's marker. Answers {'trusted'}.
local time = redis.call('TIME')
local run_id = redis.call('INFO', 'server'):match('run_id:(%x+)')
local followed = redis.call('INFO', 'replication'):match('master_replid2:(%x*[1-9a-f]%x*)') or ''
redis.call('HSET', KEYS[1], 'run_id', run_id, 'joined', '0', 'followed', followed)
redis.call('HSETNX', KEYS[1], 'floor', string.format('%.0f', time[1] * 1000000 + time[2] + 10000000))
return {'trusted'}
