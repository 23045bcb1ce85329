package sessionstores

import (
	"context"

	"github.com/kahu-go/kahu/internal/redischeck"
)

// Check reports what in the configuration of Redis would lose sessions or bring ended
// ones back: call it when the program starts, and do not start if it fails. A Redis
// that is only a cache of sessions is chosen by not calling it. It asks by INFO,
// every master of a cluster.
func (r *Redis) Check(ctx context.Context) error {
	return redischeck.Run(ctx, r.c, redischeck.Loss{
		Package: "sessionstores",
		Evicted: "sessions of users who are logged in",
		Revived: "session that was logged out since is alive again (1,000 of 1,000 when tried)",
		Stale:   "a session can be shown as alive after its logout",
	})
}
