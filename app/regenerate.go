package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kahu-go/kahu/internal/rollback"
)

// Regenerate gives the session a new id at once, and drops the values but those of these
// names. Who is logged in stays so, since the same time and for as long as before; the
// old id opens nothing from now on. Call it when what somebody may do grows, such as in
// an administrator's mode; Login does it by itself. What [Context.WhileLoggedIn] watches
// under the old id ends, and a Logout that another tab sends just then under the old id ends
// nothing. Of a visitor of whom nothing is stored it drops the values.
//
// The store has to be a [SessionMover]. A session that was ended meanwhile stays so,
// which is [ErrLoginRequired] if somebody was logged in. The other errors are those of Save.
func (x *Session) Regenerate(keep ...string) error {
	if err := x.writable(); err != nil {
		return err
	}
	mover, ok := x.s.store.(SessionMover)
	if !ok {
		return fmt.Errorf("app: Regenerate needs a store that is a SessionMover, %T is none", x.s.store)
	}
	if len(x.changed) > 0 {
		if err := x.beforeSave(); err != nil {
			return err
		}
	}
	if x.rec == nil {
		maps.DeleteFunc(x.changed, func(name string, _ json.RawMessage) bool { return !slices.Contains(keep, name) })
		return nil
	}
	return x.move(mover, keep)
}

// move stores the session under another id. Values that another request saved meanwhile
// are dropped or kept like the rest.
func (x *Session) move(mover SessionMover, keep []string) error {
	id, err := newID()
	if err != nil {
		return err
	}
	ctx, cancel := x.savingContext()
	defer cancel()
	rollback.On(ctx, x.before())
	key := x.s.keyOf(id)
	for {
		rec := x.used(x.merged())
		maps.DeleteFunc(rec.Data, func(name string, _ json.RawMessage) bool { return !reserved(name) && !slices.Contains(keep, name) })
		setNote(rec, firstKeyName, firstKey(&StoredSession{Key: x.key, SessionRecord: *x.rec}))
		err := mover.MoveSession(ctx, key, x.key, rec)
		switch {
		case err == nil:
			x.key, x.rec, x.changed = key, rec, nil
			x.rename()
			x.setCookie(id)
			x.tell(Event{Name: EventSessionRegenerated, Subject: rec.Subject})
			return nil
		case !errors.Is(err, ErrSessionGone) && !errors.Is(err, ErrSessionChanged):
			return unavailable(fmt.Errorf("app: move the session: %w", err))
		}
		if err := x.again(ctx, err); err != nil || x.rec == nil {
			return err
		}
	}
}

// again reads what another request saved, for a session that could not be moved.
func (x *Session) again(ctx context.Context, why error) error {
	somebody := x.rec.Subject != ""
	if errors.Is(why, ErrSessionGone) {
		x.lose()
	} else if err := x.reload(ctx); err != nil {
		return err
	}
	if x.rec != nil || !somebody {
		return nil
	}
	x.unprove()
	return fmt.Errorf("%w: %w", ErrLoginRequired, ErrSessionGone)
}

// rename tells what is known of the request that the session has another key. Others may
// be reading the identity that was, so it is left as it is.
func (x *Session) rename() {
	if x.identity != nil {
		id := *x.identity
		id.Handle = x.key
		x.identity = &id
	}
	if id := x.ctx.identity; id != nil && id.of == x {
		renamed := *id
		renamed.Handle = x.key
		x.ctx.identity = &renamed
	}
}
