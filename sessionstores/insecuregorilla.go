package sessionstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
)

// InsecureFromGorilla returns a store over one of gorilla's kind that keeps sessions on the server,
// under the ID that it is given: its FilesystemStore, and those that were made after it, for Redis or
// for databases. codecs are the store's own, by which it reads its cookies: store.Codecs. It is a way
// to keep such a store for a while; [NewBun] and [NewRedis] keep promises of [app.SessionStore] that
// no store of gorilla's kind can:
//
//   - Calls of one process take turns. Of two processes that save the same session at once the last
//     wins, and one of them may so bring back a session that the other has just ended.
//   - A login, and Regenerate, store the new session first and then remove the old one: where that fails,
//     the call is an error and both are there.
//   - Nobody can list, limit or end the sessions of a user, nor prune those that have expired.
//   - The store's own limits hold as well: by default it forgets a session after 30 days, and refuses
//     one of more than 4096 bytes. See its MaxAge and MaxLength.
//   - Questions have no deadline, unless the store looks at the context of the request it is given.
//
// It panics without a store or codecs, and for a CookieStore: what the browser keeps cannot be ended.
func InsecureFromGorilla(store sessions.Store, codecs ...securecookie.Codec) app.SessionStore {
	if store == nil || len(codecs) == 0 {
		panic("sessionstores: InsecureFromGorilla needs a store and its codecs")
	}
	if _, ok := store.(*sessions.CookieStore); ok {
		panic("sessionstores: InsecureFromGorilla: a CookieStore keeps sessions in the browser, where nobody can end them")
	}
	return &foreign{store: store, codecs: codecs}
}

// foreign is a store of gorilla's kind. Each of our records is one value of one of its sessions, whose
// ID is our key.
type foreign struct {
	mu     sync.Mutex
	store  sessions.Store
	codecs []securecookie.Codec
}

const (
	foreignName  = "kahu" // of the sessions, and of the cookie that is made up for the store to read
	foreignValue = "record"
)

// Find implements [app.SessionStore].
func (f *foreign) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, _, err := f.find(ctx, key)
	return r, err
}

// find returns the record and the session that it is in; nil, nil, nil: there is none.
func (f *foreign) find(ctx context.Context, key string) (*app.SessionRecord, *sessions.Session, error) {
	request, err := f.request(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	s, err := f.store.New(request, foreignName)
	var coded securecookie.Error
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, sql.ErrNoRows), err == nil && s.IsNew:
		return nil, nil, nil
	case errors.As(err, &coded) && coded.IsDecode():
		return nil, nil, damaged("a session of gorilla that its keys do not open")
	case err != nil:
		return nil, nil, err
	}
	r, err := decodeForeign(s.Values[foreignValue])
	return r, s, err
}

// request is one that presents the session of key as the store's own cookie.
func (f *foreign) request(ctx context.Context, key string) (*http.Request, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, err := securecookie.EncodeMulti(foreignName, key, f.codecs...)
	if err != nil {
		return nil, fmt.Errorf("sessionstores: a cookie for gorilla's store: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, err
	}
	r.AddCookie(&http.Cookie{Name: foreignName, Value: text})
	return r, nil
}

// Insert implements [app.SessionStore].
func (f *foreign) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	have, s, err := f.find(ctx, key)
	if err != nil && !errors.Is(err, app.ErrSessionDamaged) {
		return err
	}
	c := *r
	c.Version = 1
	c = stored(&c)
	if have != nil && !sameSession(have, &c) {
		return errKeyTaken
	}
	if s == nil {
		if s, err = f.blank(ctx, key); err != nil {
			return err
		}
	}
	if err := f.save(ctx, key, s, &c); err != nil {
		return err
	}
	if old != "" && old != key {
		if err := f.remove(ctx, old); err != nil {
			return err
		}
	}
	r.Version = 1
	return nil
}

// blank returns a session of the store that is not stored.
func (f *foreign) blank(ctx context.Context, key string) (*sessions.Session, error) {
	request, err := f.request(ctx, key)
	if err != nil {
		return nil, err
	}
	request.Header.Del("Cookie")
	s, err := f.store.New(request, foreignName)
	if err != nil {
		return nil, err
	}
	s.ID = key
	return s, nil
}

// save writes the record into its session, and sees to it that it will be found there.
func (f *foreign) save(ctx context.Context, key string, s *sessions.Session, r *app.SessionRecord) error {
	text, err := encodeForeign(r)
	if err != nil {
		return err
	}
	s.Values = map[any]any{foreignValue: text}
	cookie, err := f.write(ctx, key, s)
	if err != nil {
		return err
	}
	var id string
	if err := securecookie.DecodeMulti(foreignName, cookie, &id, f.codecs...); err != nil || id != key {
		return fmt.Errorf("sessionstores: a %T keeps sessions by cookies that these codecs do not make", f.store)
	}
	return nil
}

// write has the store save a session, and returns the cookie that it sets.
func (f *foreign) write(ctx context.Context, key string, s *sessions.Session) (cookie string, err error) {
	request, err := f.request(ctx, key)
	if err != nil {
		return "", err
	}
	var w unsent
	if err := f.store.Save(request, &w, s); err != nil {
		return "", fmt.Errorf("sessionstores: a %T: %w", f.store, err)
	}
	for _, c := range (&http.Response{Header: w.Header()}).Cookies() {
		if c.Name == foreignName {
			cookie = c.Value
		}
	}
	return cookie, nil
}

// unsent is an answer that nobody gets.
type unsent struct{ header http.Header }

func (u *unsent) Header() http.Header {
	if u.header == nil {
		u.header = http.Header{}
	}
	return u.header
}
func (u *unsent) Write(b []byte) (int, error) { return len(b), nil }
func (u *unsent) WriteHeader(int)             {}

// Update implements [app.SessionStore].
func (f *foreign) Update(ctx context.Context, key string, r *app.SessionRecord) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next, s, err := f.following(ctx, key, r)
	if err != nil {
		return err
	}
	if err := f.save(ctx, key, s, next); err != nil {
		return err
	}
	r.Version++
	return nil
}

// following returns the record of key with what may change as r has it, under the next version,
// and the session that it is in.
func (f *foreign) following(ctx context.Context, key string, r *app.SessionRecord) (*app.SessionRecord, *sessions.Session, error) {
	have, s, err := f.find(ctx, key)
	switch {
	case err != nil:
		return nil, nil, err
	case have == nil:
		return nil, nil, app.ErrSessionGone
	case have.Version != r.Version:
		return nil, nil, app.ErrSessionChanged
	}
	c := stored(r)
	have.Data, have.Seen, have.IdleUntil, have.Version = c.Data, c.Seen, c.IdleUntil, r.Version+1
	return have, s, nil
}

// Touch implements [app.SessionStore].
func (f *foreign) Touch(ctx context.Context, key string, seen, idleUntil time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	have, s, err := f.find(ctx, key)
	if err != nil || have == nil || !have.Seen.Before(cell.Micro(seen)) {
		return err
	}
	have.Seen, have.IdleUntil = cell.Micro(seen), cell.Micro(idleUntil)
	return f.save(ctx, key, s, have)
}

// Delete implements [app.SessionStore].
func (f *foreign) Delete(ctx context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.remove(ctx, key)
}

func (f *foreign) remove(ctx context.Context, key string) error {
	s, err := f.blank(ctx, key)
	if err != nil {
		return err
	}
	gone := sessions.Options{}
	if s.Options != nil {
		gone = *s.Options
	}
	gone.MaxAge = -1
	s.Options = &gone
	_, err = f.write(ctx, key, s)
	return err
}
