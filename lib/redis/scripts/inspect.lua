-- What doctor wants to know of a node; changes nothing. KEYS: the node's marker. ARGV: where it keeps what was agreed.
-- Answers {'inspected', TIME in microseconds, then texts: run_id, run_id and joined of the marker, what was agreed, seconds
-- since the start, role, cluster_enabled, maxmemory, maxmemory_policy}; empty: not known.
local time = redis.call('TIME')
local known = redis.call('HMGET', KEYS[1], 'run_id', 'joined', ARGV[1])
local texts = {}
for section, fields in pairs({server = {'run_id', 'uptime_in_seconds'}, replication = {'role'},
    cluster = {'cluster_enabled'}, memory = {'maxmemory', 'maxmemory_policy'}}) do
    local text = redis.call('INFO', section)
    for _, field in ipairs(fields) do texts[field] = text:match('%f[%w_]' .. field .. ':([%w-]+)') or '' end
end
return {'inspected', time[1] * 1000000 + time[2], texts.run_id, known[1] or '', known[2] or '', known[3] or '',
    texts.uptime_in_seconds, texts.role, texts.cluster_enabled, texts.maxmemory, texts.maxmemory_policy}
