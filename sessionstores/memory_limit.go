package sessionstores

import (
	"cmp"
	"context"
	"slices"

	"github.com/kahu-go/kahu/app"
)

// InsertLimited is Insert that leaves at most limit sessions of the user, 1 if that is less.
func (m *Memory) InsertLimited(ctx context.Context, key, old string, r *app.SessionRecord, limit int) ([]app.StoredSession, error) {
	return m.insert(ctx, key, old, r, bound(r, limit))
}

// oust removes the sessions that are too many beside r and returns those that were not
// over. The caller has the lock.
func (m *Memory) oust(key string, r *app.SessionRecord, limit int) (ended []app.StoredSession) {
	var others []app.StoredSession
	for k, o := range m.records {
		if k != key && o.Kind == r.Kind && o.Subject == r.Subject {
			others = append(others, app.StoredSession{Key: k, SessionRecord: o})
		}
	}
	slices.SortFunc(others, func(a, b app.StoredSession) int {
		return cmp.Or(rank(&a.SessionRecord, r)-rank(&b.SessionRecord, r), b.Created.Compare(a.Created), cmp.Compare(a.Key, b.Key))
	})
	for i := limit - 1; i < len(others); i++ {
		delete(m.records, others[i].Key)
		if !over(&others[i].SessionRecord, r.Created) {
			ended = append(ended, others[i])
		}
	}
	return ended
}

// rank puts what was over when r began behind the rest.
func rank(o, r *app.SessionRecord) int {
	if over(o, r.Created) {
		return 1
	}
	return 0
}
