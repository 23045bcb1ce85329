package tokenstores

import "github.com/redis/go-redis/v9"

// Each write is one script, which Redis runs alone: nothing can happen between its
// checks and its changes. Numbers stay text as they came, because Lua would round and
// reformat them; comparing is exact until the year 2255.
//
// A script is given one key, the sorted set, and makes the others of it: in which sets
// a token is noted is known only to the token. All have one hash tag.
const scriptPrelude = `
local expiries = KEYS[1]
local prefix = string.sub(expiries, 1, -2)
local function token(name) return prefix .. 't:' .. name end
local function owned(who) return prefix .. 'u:' .. who end
local function typed(name)
	local length, rest = string.match(name, '^(%d+):(.*)$')
	return prefix .. 'k:' .. string.sub(rest, 1, tonumber(length))
end

-- forget removes a token from where its name is noted.
local function forget(who, name)
	redis.call('SREM', owned(who), name)
	redis.call('SREM', typed(name), name)
	redis.call('ZREM', expiries, who .. name)
end

-- drop removes a token and returns how many there were.
local function drop(name)
	local who = redis.pcall('HGET', token(name), 'who')
	if type(who) == 'string' then forget(who, name) end
	return redis.call('DEL', token(name))
end

-- limits returns when a token was last used or made, and when it is over: whichever limit
-- comes first, or nil.
local function limits(name)
	local at = redis.call('HMGET', token(name), 'created', 'last_used', 'expires', 'idle_limit')
	local last, ends = tonumber(at[1]), tonumber(at[3])
	if at[2] ~= '' then last = math.max(last, tonumber(at[2])) end
	if at[4] ~= '0' then
		local idle = last + tonumber(at[4])
		if not ends or idle < ends then ends = idle end
	end
	return last, ends
end

-- schedule notes when a token is over. What Redis counts is a span from its last use, or
-- from since if that is later, so that the clock of Redis need not agree with the
-- application's.
local function schedule(who, name, since)
	local last, ends = limits(name)
	if not ends then return end
	redis.call('ZADD', expiries, string.format('%.0f', ends), who .. name)
	local hour, century = 3600000, 3155760000000
	local span = math.max(0, math.min(century, (ends - math.max(last, since)) / 1000))
	redis.call('PEXPIRE', token(name), string.format('%.0f', span + hour))
end

-- add stores a token whose fields are the arguments from the first on.
local function add(name, first)
	redis.call('HSET', token(name), unpack(ARGV, first))
	local who = redis.call('HGET', token(name), 'who')
	redis.call('SADD', owned(who), name)
	redis.call('SADD', typed(name), name)
	schedule(who, name, 0)
end

-- ended calls f for at most limit tokens that ended at or before a time, and counts them.
local function ended(time, limit, f)
	local old = redis.call('ZRANGEBYSCORE', expiries, '-inf', time, 'LIMIT', 0, limit)
	for _, member in ipairs(old) do f(string.sub(member, 1, 43), string.sub(member, 44)) end
	return #old
end
`

var (
	// insertScript returns 0 if another token is there. Each Insert also removes what is
	// noted of up to ten tokens that Redis has dropped by itself, so that it never piles
	// up; never a token, for whose end it does not know the time.
	insertScript = redis.NewScript(scriptPrelude + `
local name, stale = ARGV[1], ARGV[2]
if redis.call('EXISTS', token(name)) == 1 then
	for i = 3, #ARGV, 2 do
		local have = redis.call('HGET', token(name), ARGV[i])
		if ARGV[i] == 'state' then have = have or '' end -- stored before there were states
		if have ~= ARGV[i + 1] then return 0 end
	end
	return 1
end
add(name, 3)
ended(stale, 10, function(who, old)
	if redis.call('EXISTS', token(old)) == 0 then forget(who, old) end
end)
return 1`)

	touchScript = redis.NewScript(scriptPrelude + `
local name, hash, used, address = unpack(ARGV)
local have = redis.call('HMGET', token(name), 'hash', 'last_used', 'who')
if have[1] ~= hash then return 0 end
if have[2] ~= '' and tonumber(have[2]) >= tonumber(used) then return 0 end
redis.call('HSET', token(name), 'last_used', used, 'address', address)
schedule(have[3], name, 0)
return 1`)

	// rotateScript says "gone", "rotated", "taken" if next is another token's, or "done".
	rotateScript = redis.NewScript(scriptPrelude + `
local name, hash, till, id, following, now = unpack(ARGV, 1, 6)
local have = redis.call('HMGET', token(name), 'hash', 'successor', 'expires', 'who')
if have[1] ~= hash then return 'gone' end
if have[2] == id then return 'done' end
if have[2] ~= '' then return 'rotated' end
local _, ends = limits(name)
if ends and ends <= tonumber(now) then return 'gone' end
if redis.call('EXISTS', token(following)) == 1 then return 'taken' end
if have[3] ~= '' and tonumber(have[3]) < tonumber(till) then till = have[3] end
redis.call('HSET', token(name), 'successor', id, 'expires', till)
schedule(have[4], name, tonumber(now))
add(following, 7)
return 'done'`)

	// renewScript says "gone", "rotated" or "done".
	renewScript = redis.NewScript(scriptPrelude + `
local name, hash, following, state, used, address = unpack(ARGV)
local have = redis.call('HMGET', token(name), 'hash', 'state', 'successor', 'last_used', 'who')
if not have[1] then return 'gone' end
if have[1] == following and (have[2] or '') == state then return 'done' end
if have[1] ~= hash or have[3] ~= '' then return 'rotated' end
local _, ends = limits(name)
if ends and ends <= tonumber(used) then return 'gone' end
if have[4] == '' or tonumber(have[4]) <= tonumber(used) then
	redis.call('HSET', token(name), 'last_used', used, 'address', address)
end
redis.call('HSET', token(name), 'hash', following, 'state', state)
schedule(have[5], name, 0)
return 'done'`)

	deleteScript = redis.NewScript(scriptPrelude + `
local name, subject = ARGV[1], ARGV[2]
if subject ~= '' and redis.pcall('HGET', token(name), 'subject') ~= subject then return 0 end
return drop(name)`)

	// listScript returns the fields of each token of a subject.
	listScript = redis.NewScript(scriptPrelude + `
local found = {}
for _, name in ipairs(redis.call('SMEMBERS', owned(ARGV[1]))) do
	local fields = redis.pcall('HGETALL', token(name))
	if not fields.err then found[#found + 1] = fields end
end
return found`)

	// deleteAllScript returns how many tokens of a subject it removed.
	deleteAllScript = redis.NewScript(scriptPrelude + `
local who, keep, n = ARGV[1], ARGV[2], 0
for _, name in ipairs(redis.call('SMEMBERS', owned(who))) do
	if name ~= keep then
		n = n + redis.call('DEL', token(name))
		forget(who, name)
	end
end
return n`)

	// deleteTypeScript returns how many names of a type it has taken, and how many
	// tokens there were.
	deleteTypeScript = redis.NewScript(scriptPrelude + `
local names, n = redis.call('SPOP', prefix .. 'k:' .. ARGV[1], ARGV[2]), 0
for _, name in ipairs(names) do n = n + drop(name) end
return {#names, n}`)

	pruneScript = redis.NewScript(scriptPrelude + `
return ended(ARGV[1], ARGV[2], function(who, name)
	redis.call('DEL', token(name))
	forget(who, name)
end)`)
)
