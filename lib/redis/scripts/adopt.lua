-- What all users of these locks must agree upon is from now on what the caller says. KEYS: the node's marker. ARGV: the
-- field, the terms. Answers {'adopted'}.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return {'adopted'}
