package sessionstores

import (
	"context"

	"github.com/kahu-go/kahu/app"
)

// MoveSession implements [app.SessionMover].
func (f *foreign) MoveSession(ctx context.Context, key, old string, r *app.SessionRecord) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	have, _, err := f.find(ctx, old)
	switch {
	case err != nil:
		return err
	case have == nil:
		return app.ErrSessionGone
	case have.Version != r.Version:
		return app.ErrSessionChanged
	}
	taken, s, err := f.find(ctx, key)
	if err != nil {
		return err
	}
	if taken != nil {
		return errKeyTaken
	}
	if s == nil {
		if s, err = f.blank(ctx, key); err != nil {
			return err
		}
	}
	c := stored(r)
	have.Data, have.Seen, have.IdleUntil, have.Version = c.Data, c.Seen, c.IdleUntil, r.Version+1
	if err := f.save(ctx, key, s, have); err != nil {
		return err
	}
	if err := f.remove(ctx, old); err != nil {
		return err
	}
	r.Version++
	return nil
}
