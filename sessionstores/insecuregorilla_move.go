package sessionstores

import (
	"context"

	"github.com/kahu-go/kahu/app"
)

// MoveSession implements [app.SessionMover].
func (f *foreign) MoveSession(ctx context.Context, key, old string, r *app.SessionRecord) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next, _, err := f.following(ctx, old, r)
	if err != nil {
		return err
	}
	switch taken, _, err := f.find(ctx, key); {
	case err != nil:
		return err
	case taken != nil:
		return errKeyTaken
	}
	s, err := f.blank(ctx, key)
	if err != nil {
		return err
	}
	if err := f.save(ctx, key, s, next); err != nil {
		return err
	}
	if err := f.remove(ctx, old); err != nil {
		return err
	}
	r.Version++
	return nil
}
