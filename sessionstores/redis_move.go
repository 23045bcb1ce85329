package sessionstores

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/kahu-go/kahu/app"
)

// moveScript returns -2 if another session is there, -1 if there is none to move and 0 if
// it has another version. Done again after an answer that was lost, it returns 1 again.
var moveScript = redis.NewScript(scriptPrelude + `
local key, old, version, following, data, seen, idle = unpack(ARGV)
if redis.call('EXISTS', KEYS[1]) == 1 then
	local done = redis.call('EXISTS', sessions .. old) == 0 and redis.call('HGET', KEYS[1], 'version') == following
	return done and 1 or -2
end
local have = redis.call('HMGET', sessions .. old, 'version', 'until', 'who')
if not have[1] then return -1 end
if have[1] ~= version then return 0 end
forget(have[3], old)
redis.call('RENAME', sessions .. old, KEYS[1])
redis.call('HSET', KEYS[1], 'version', following, 'data', data, 'seen', seen, 'idle_until', idle)
if have[3] ~= nobody then redis.call('SADD', subjects .. have[3], key) end
schedule(have[3], key, seen, idle, have[2])
return 1`)

// MoveSession is one script.
func (r *Redis) MoveSession(ctx context.Context, key, old string, record *app.SessionRecord) error {
	data, err := encodeData(record.Data)
	if err != nil {
		return err
	}
	n, err := moveScript.Run(ctx, r.c, []string{sessionPrefix + key, expiryKey}, key, old, record.Version, record.Version+1, data,
		record.Seen.UnixMicro(), record.IdleUntil.UnixMicro()).Int()
	switch {
	case err != nil:
		return failed("move", err)
	case n == -2:
		return errKeyTaken
	case n == -1:
		return app.ErrSessionGone
	case n == 0:
		return app.ErrSessionChanged
	}
	record.Version++
	return nil
}
