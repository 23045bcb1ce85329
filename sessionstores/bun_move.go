package sessionstores

import (
	"context"
	"errors"

	"github.com/kahu-go/kahu/app"
)

// MoveSession is one statement, as Update is. It changes the key of the row, so that a
// statement that is about to delete the sessions of its user finds it afterwards too.
// Doing it again after an answer that was lost is no error.
func (b *Bun) MoveSession(ctx context.Context, key, old string, r *app.SessionRecord) error {
	data, err := encodeData(r.Data)
	if err != nil {
		return err
	}
	n, err := b.exec(ctx, "move", "UPDATE sessions SET id = ?, data = ?, seen = ?, idle_until = ?, version = version + 1 WHERE id = ? AND version = ?",
		key, data, r.Seen.UnixMicro(), r.IdleUntil.UnixMicro(), old, r.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		if err := b.whyNotMoved(ctx, key, old, r.Version+1); err != nil {
			return err
		}
	}
	r.Version++
	return nil
}

// whyNotMoved returns nil if an attempt whose answer was lost has done it.
func (b *Bun) whyNotMoved(ctx context.Context, key, old string, moved int64) error {
	why := b.whyNotUpdated(ctx, old)
	if !errors.Is(why, app.ErrSessionGone) {
		return why
	}
	r, err := b.Find(ctx, key)
	if err != nil {
		return err
	}
	if r == nil || r.Version != moved {
		return app.ErrSessionGone
	}
	return nil
}
