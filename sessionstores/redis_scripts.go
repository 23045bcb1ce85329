package sessionstores

import "github.com/redis/go-redis/v9"

// Each write is one script, which Redis runs alone: nothing can happen between its
// checks and its changes. Numbers stay text as they came, because Lua would round
// and reformat them; comparing is exact until the year 2255.
//
// A script also changes keys that it is not given by name: whose set a session is in
// is known only to the session. They have the hash tag of those that are given.
const scriptPrelude = `
local sessions, subjects, expiries, nobody = '` + sessionPrefix + `', '` + subjectPrefix + `', '` + expiryKey + `', '` + nobody + `'

-- forget removes a session from where its key is noted.
local function forget(who, key)
	if who ~= nobody then redis.call('SREM', subjects .. who, key) end
	redis.call('ZREM', expiries, who .. key)
end

-- drop removes a session and returns how many there were.
local function drop(key)
	local who = redis.pcall('HGET', sessions .. key, 'who')
	if type(who) == 'string' then forget(who, key) end
	return redis.call('DEL', sessions .. key)
end

-- schedule notes when a session ends: whichever limit comes first. What Redis counts
-- is a span from the last use, so that its clock need not agree with the application's.
local function schedule(who, key, seen, idle, till)
	local ends = till
	if tonumber(idle) < tonumber(till) then ends = idle end
	redis.call('ZADD', expiries, ends, who .. key)
	local hour, century = 3600000, 3155760000000
	local span = math.max(0, math.min(century, (tonumber(ends) - tonumber(seen)) / 1000))
	redis.call('PEXPIRE', sessions .. key, string.format('%.0f', span + hour))
end

-- integer reads a number of a session; nil or false: it is damaged.
local function integer(text)
	return type(text) == 'string' and string.match(text, '^%-?%d+$') and tonumber(text)
end

-- known returns what decides who stays.
local function known(key, now)
	local have = redis.pcall('HMGET', sessions .. key, 'created', 'idle_until', 'until')
	local created, idle, till = integer(have[1]), integer(have[2]), integer(have[3])
	local over = idle and idle <= now or till and till <= now or false
	return {key = key, created = created or -math.huge, over = over}
end

-- later tells which of two stays sooner: one that is live, then the last created.
local function later(a, b)
	if a.over ~= b.over then return b.over end
	if a.created ~= b.created then return a.created > b.created end
	return a.key < b.key
end

-- oust leaves at most limit sessions of a subject, one of them kept, and returns the
-- keys and fields of those that it removed and that were live.
local function oust(who, kept, now, limit)
	local others, ended = {}, {}
	for _, key in ipairs(redis.call('SMEMBERS', subjects .. who)) do
		if redis.call('EXISTS', sessions .. key) == 0 then
			forget(who, key)
		elseif key ~= kept then
			others[#others + 1] = known(key, now)
		end
	end
	table.sort(others, later)
	for i = limit, #others do
		local key = others[i].key
		local fields = redis.pcall('HGETALL', sessions .. key)
		if not others[i].over then ended[#ended + 1] = {key, fields.err and {} or fields} end
		redis.call('DEL', sessions .. key)
		forget(who, key)
	end
	return ended
end

-- sweep removes at most limit sessions that ended at or before a time.
local function sweep(ended, limit)
	local old = redis.call('ZRANGEBYSCORE', expiries, '-inf', ended, 'LIMIT', 0, limit)
	for _, member in ipairs(old) do
		local who, key = string.sub(member, 1, #nobody), string.sub(member, #nobody + 1)
		redis.call('DEL', sessions .. key)
		forget(who, key)
	end
	return #old
end
`

var (
	// insertScript returns 0 if another session is there, else what oust does if there is
	// a limit. Each Insert also removes up to ten that Redis has dropped by itself, so that
	// notes of them never pile up.
	insertScript = redis.NewScript(scriptPrelude + `
local key, old, who, seen, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('EXISTS', KEYS[1]) == 1 then
	for i = 6, #ARGV, 2 do
		if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
	end
end
if old ~= '' and old ~= key then drop(old) end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
if who ~= nobody then redis.call('SADD', subjects .. who, key) end
local have = redis.call('HMGET', KEYS[1], 'idle_until', 'until', 'created')
schedule(who, key, seen, have[1], have[2])
local ended = {}
if limit > 0 then ended = oust(who, key, tonumber(have[3]), limit) end
sweep(string.format('%.0f', tonumber(seen) - 2 * 3600000000), 10)
return ended`)

	// updateScript returns -1 if there is no session and 0 if it has another version.
	updateScript = redis.NewScript(scriptPrelude + `
local key, version, following, data, seen, idle = unpack(ARGV)
local have = redis.call('HMGET', KEYS[1], 'version', 'until', 'who')
if not have[1] then return -1 end
if have[1] ~= version then return 0 end
redis.call('HSET', KEYS[1], 'version', following, 'data', data, 'seen', seen, 'idle_until', idle)
schedule(have[3], key, seen, idle, have[2])
return 1`)

	touchScript = redis.NewScript(scriptPrelude + `
local key, seen, idle = unpack(ARGV)
local have = redis.call('HMGET', KEYS[1], 'seen', 'until', 'who')
if not have[1] or tonumber(have[1]) >= tonumber(seen) then return 0 end
redis.call('HSET', KEYS[1], 'seen', seen, 'idle_until', idle)
schedule(have[3], key, seen, idle, have[2])
return 1`)

	deleteScript = redis.NewScript(scriptPrelude + `return drop(ARGV[1])`)

	// listScript returns the key and the fields of each session of a subject.
	listScript = redis.NewScript(scriptPrelude + `
local found = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
	local fields = redis.pcall('HGETALL', sessions .. key)
	if not fields.err and #fields > 0 then found[#found + 1] = {key, fields} end
end
return found`)

	// deleteAllScript returns how many sessions of a subject it removed.
	deleteAllScript = redis.NewScript(scriptPrelude + `
local who, keep, n = ARGV[1], ARGV[2], 0
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
	if key ~= keep then
		n = n + redis.call('DEL', sessions .. key)
		forget(who, key)
	end
end
return n`)

	pruneScript = redis.NewScript(scriptPrelude + `return sweep(ARGV[1], ARGV[2])`)
)
