-- May this user run every command that the other scripts need, on this server and now? Tries each of them on keys of
-- doctor's own. None of them stays: what cannot be deleted ends after a second.
-- ARGV: the key; the beginning of all locks' keys with a random end (empty: they have none in common), where nothing is
-- written. They are no KEYS: for one of those the server would deny the script as a whole.
-- Answers {'probed', a line "COMMAND error" for each command that failed, the error with that beginning}.
local key, of_lock = ARGV[1], ARGV[2]
local fence_key, hash_key = 'redlock:{' .. key .. '}:fence', key .. ':hash'
local failed = {}
-- Whether the command works.
local function try(name, ...)
    local answer = redis.pcall(name, ...)
    local why = type(answer) == 'table' and answer.err
    if why then failed[#failed + 1] = name .. ' ' .. why:sub(1, 300):gsub('[\r\n]', ' ') end
    return not why
end

try('TIME')
try('INFO', 'server')
-- SET first: after a write, a server without memory refuses nothing more in the same script.
local fence_set = try('SET', key, 'doctor', 'PX', 1000) and try('SET', fence_key, '1', 'PX', 1000)
local types = try('TYPE', key)
try('GET', key)
try('PTTL', key)
local expires = try('PEXPIRE', key, 1000)
local deletes = try('DEL', key)
try('HMGET', hash_key, 'field')
local empties = try('HDEL', hash_key, 'field')
if expires or deletes or empties then
    try('HSET', hash_key, 'field', '1')
    redis.pcall('PEXPIRE', hash_key, 1000)
    redis.pcall('HDEL', hash_key, 'field')
    redis.pcall('DEL', hash_key)
end
if deletes and fence_set then redis.pcall('DEL', fence_key) end

local barred
if of_lock ~= '' and types and deletes then
    for _, name in ipairs({'TYPE', 'DEL'}) do
        local answer = redis.pcall(name, of_lock)
        barred = barred or type(answer) == 'table' and answer.err
    end
end
return {'probed', table.concat(failed, '\n'), barred and barred:sub(1, 300) or ''}
