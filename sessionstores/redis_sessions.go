package sessionstores

import (
	"context"
	"time"

	"github.com/kahu-go/kahu/app"
)

// ListSessions is one script. A session that is damaged is left out. Nobody, the
// subject "", has none.
func (r *Redis) ListSessions(ctx context.Context, kind, subject string) ([]app.StoredSession, error) {
	if subject == "" {
		return nil, ctx.Err()
	}
	replies, err := listScript.Run(ctx, r.c, []string{subjectPrefix + who(kind, subject), expiryKey}).Slice()
	if err != nil {
		return nil, failed("list", err)
	}
	var list []app.StoredSession
	for _, reply := range replies {
		if one, ok := listed(reply); ok && one.Kind == kind && one.Subject == subject {
			list = append(list, one)
		}
	}
	sortSessions(list)
	return list, nil
}

// listed reads one reply of a script: a key, and names and values in turn. Of a session
// that is damaged it returns the Key alone, and false.
func listed(reply any) (app.StoredSession, bool) {
	pair, ok := reply.([]any)
	if !ok || len(pair) != 2 {
		return app.StoredSession{}, false
	}
	key, _ := pair[0].(string)
	flat, _ := pair[1].([]any)
	fields := make(map[string]string, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		name, _ := flat[i].(string)
		fields[name], _ = flat[i+1].(string)
	}
	record, err := fromFields(fields)
	if err != nil {
		return app.StoredSession{Key: key}, false
	}
	return app.StoredSession{Key: key, SessionRecord: *record}, true
}

// DeleteSessions is one script. Nobody, the subject "", has no sessions.
func (r *Redis) DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error) {
	if subject == "" {
		return 0, ctx.Err()
	}
	owner := who(kind, subject)
	n, err := deleteAllScript.Run(ctx, r.c, []string{subjectPrefix + owner, expiryKey}, owner, keep).Int()
	return n, failed("delete all", err)
}

// PruneSessions is one script. It counts sessions that Redis has dropped by itself
// too: of these it removes what is noted elsewhere.
func (r *Redis) PruneSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	n, err := pruneScript.Run(ctx, r.c, []string{expiryKey}, now.UnixMicro(), limit).Int()
	return n, failed("prune", err)
}
