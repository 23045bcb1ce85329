package sessionstores

import (
	"context"

	"github.com/kahu-go/kahu/app"
)

// InsertLimited is one script, that of Insert, and leaves at most limit sessions of the
// user, 1 if that is less. Doing it again is no error either, but what was ended by an
// attempt whose answer was lost is not returned.
func (r *Redis) InsertLimited(ctx context.Context, key, old string, record *app.SessionRecord, limit int) ([]app.StoredSession, error) {
	replies, err := r.insert(ctx, key, old, record, bound(record, limit))
	var ended []app.StoredSession
	for _, reply := range replies {
		one, ok := listed(reply)
		if !ok || one.Kind != record.Kind || one.Subject != record.Subject {
			one = app.StoredSession{Key: one.Key} // damaged
		}
		ended = append(ended, one)
	}
	return ended, err
}
