package sessionstores

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/kahu-go/kahu/app"
)

const idBytes = 32

func newID() string {
	b := make([]byte, idBytes)
	_, _ = rand.Read(b) // it never fails: Go ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// presentedID returns what the cookie holds, if it can be an id of ours.
func presentedID(r *http.Request, name string) (string, bool) {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) != base64.RawURLEncoding.EncodedLen(idBytes) {
		return "", false
	}
	_, err = base64.RawURLEncoding.Strict().DecodeString(c.Value)
	return c.Value, err == nil
}

// gorillaKind is no kind that app.Sessions can have, so that no id of one opens a
// session of the other.
func gorillaKind(name string) string { return "gorilla:" + name }

// gorillaKey is made as app.Sessions makes keys.
func gorillaKey(name, id string) string {
	sum := sha256.Sum256([]byte(gorillaKind(name) + "\x00" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// end removes the row first and the cookie after: if the row stays, so does the
// cookie, and the user can try again.
func (g *gorilla) end(ctx context.Context, r *http.Request, w http.ResponseWriter, s *sessions.Session, state *gorillaState) error {
	key := state.key
	if key == "" {
		key = state.dead
	}
	if key != "" {
		if err := g.store.Delete(ctx, key); err != nil {
			return err
		}
	}
	*state = gorillaState{}
	s.ID = ""
	if _, err := r.Cookie(s.Name()); err == nil || key != "" {
		g.setCookie(w, s, "")
	}
	return nil
}

func (g *gorilla) insert(ctx context.Context, r *http.Request, w http.ResponseWriter, s *sessions.Session, state *gorillaState,
	data map[string]json.RawMessage) error {
	if state.key == "" && len(data) == 0 {
		return nil
	}
	old := state.key
	if old == "" {
		old = state.dead
	}
	now, id := g.now(), newID()
	record := &app.SessionRecord{Kind: gorillaKind(s.Name()), Data: data, Created: now, Seen: now,
		IdleUntil: now.Add(g.o.Idle), Until: now.Add(g.o.Absolute), Address: host(r.RemoteAddr), Agent: r.UserAgent()}
	key := gorillaKey(s.Name(), id)
	if err := g.store.Insert(ctx, key, old, record); err != nil {
		return err
	}
	*state = gorillaState{id: id, key: key, record: record}
	s.ID = key
	g.setCookie(w, s, id)
	return nil
}

func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}

// update writes what was changed, or that the session was used, at most once a minute.
func (g *gorilla) update(ctx context.Context, w http.ResponseWriter, s *sessions.Session, state *gorillaState, data map[string]json.RawMessage) error {
	changes, now := changesOf(state.record.Data, data), g.now()
	var err error
	switch {
	case len(changes) > 0:
		err = g.merge(ctx, state, changes)
	case !now.Before(state.record.Seen.Add(time.Minute)):
		err = g.store.Touch(ctx, state.key, now, now.Add(g.o.Idle))
	}
	if errors.Is(err, app.ErrSessionGone) {
		*state = gorillaState{dead: state.key}
		s.ID, s.Values = "", map[any]any{} // so that a second Save does not begin a new session with them
		return nil
	}
	if err != nil {
		return err
	}
	g.setCookie(w, s, state.id)
	return nil
}

// changesOf returns the values that are other in data than they were; nil: removed.
func changesOf(were, data map[string]json.RawMessage) map[string]json.RawMessage {
	changes := map[string]json.RawMessage{}
	for key, value := range data {
		if old, ok := were[key]; !ok || !bytes.Equal(old, value) {
			changes[key] = value
		}
	}
	for key := range were {
		if _, ok := data[key]; !ok {
			changes[key] = nil
		}
	}
	return changes
}

// merge makes the changes to the newest version of the session.
func (g *gorilla) merge(ctx context.Context, state *gorillaState, changes map[string]json.RawMessage) error {
	record := *state.record
	for {
		record.Data = cloneData(record.Data)
		for key, value := range changes {
			if value == nil {
				delete(record.Data, key)
			} else {
				record.Data[key] = value
			}
		}
		record.Seen = g.now()
		record.IdleUntil = record.Seen.Add(g.o.Idle)
		err := g.store.Update(ctx, state.key, &record)
		if err == nil {
			state.record = &record
			return nil
		}
		if !errors.Is(err, app.ErrSessionChanged) {
			return err
		}
		newest, err := g.store.Find(ctx, state.key) // fails when ctx ends, and with it this loop
		if err != nil {
			return err
		}
		if newest == nil {
			return app.ErrSessionGone
		}
		record = *newest
	}
}

func (g *gorilla) setCookie(w http.ResponseWriter, s *sessions.Session, id string) {
	http.SetCookie(w, &http.Cookie{Name: s.Name(), Value: id, Path: s.Options.Path, Domain: s.Options.Domain, MaxAge: s.Options.MaxAge,
		Secure: s.Options.Secure, HttpOnly: s.Options.HttpOnly, SameSite: s.Options.SameSite, Partitioned: s.Options.Partitioned})
}
