-- What a node's marker says of the locks of one prefix ("at" in the names of its fields; protocol 9.1, protocol 10.2):
--   terms:at   the record that all users must agree with
--   trial:at   the record is provisional: no init wrote it. The moment of its last use
--   used:at    when a lock was last granted, prolonged or set anew, to the second; lock:at is that lock's key
--   hold:at    "START LENGTH ID" in microseconds: init --reconfigure lets nobody begin for so long
-- The field "used" says the same of all prefixes.

-- A provisional record lapses after its own guard (and the second of used:at) without use. Answers the record that
-- counts, and in how many ms it lapses.
local function record_of(terms, trial, now)
    trial = tonumber(trial or '')
    if not (terms and trial) then return terms or nil end
    local left = trial + (tonumber(terms:match('%d+$') or '') or 0) * 1000 + 1000000 - now
    if left > 0 then return terms, math.ceil(left / 1000) end
end
-- Answers for how many ms more nobody may begin, and the ID; nil: the hold is over, or the clock was set back.
local function hold_of(hold, now)
    local start, length, id = (hold or ''):match('^(%d+) (%d+) (%S+)$')
    local left = start and start + length - now
    if left and left > 0 and start + 0 <= now then return math.ceil(left / 1000), id end
end
-- "trial": only if the record is provisional and the user agrees with it.
local function note_use(call, node_key, at, key, now, used, trial)
    local last = tonumber(trial or used or '')
    if last and last <= now and now < last + 1000000 then return end
    local stamp = string.format('%.0f', now)
    call('HSET', node_key, 'used', stamp, 'used:' .. at, stamp, 'lock:' .. at, key, trial and 'trial:' .. at or 'used',
        stamp)
end
