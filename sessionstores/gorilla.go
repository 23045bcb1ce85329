package sessionstores

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/gorilla/sessions"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
)

// GorillaOptions are the settings of [Gorilla]. The zero value is safe.
type GorillaOptions struct {
	// Idle and Absolute end a session on the server, whatever the cookie says: so long
	// after its last use, and so long after it was made. Defaults: 30 minutes, 12 hours.
	Idle, Absolute time.Duration

	// MaxAge is how many seconds a browser keeps the cookie. Default 0: until it is
	// closed. It is no limit of the session: raise Idle and Absolute with it.
	MaxAge int

	// Path and Domain of the cookie. Defaults: "/", and this host only.
	Path, Domain string

	// SameSite of the cookie. Default: Lax.
	SameSite http.SameSite

	// InsecureHTTP leaves Secure out of the cookie, for development without TLS.
	InsecureHTTP bool

	// Clock is the time. Default: time.Now.
	Clock func() time.Time
}

// Gorilla returns a store for applications of gorilla/sessions. Differences to the
// stores they know:
//
//   - Values have string keys, and values that JSON gives back as they were: nil, bool,
//     string, float64, []any and map[string]any. Save refuses anything else, an int
//     too, instead of changing its type.
//   - The cookie holds a random id and is HttpOnly, Secure and SameSite=Lax. Any of
//     these can be changed for one session by its Options, as can Path and MaxAge:
//     0 is a cookie for as long as the browser runs, less than 0 ends the session.
//   - A session is on the server for as long as [GorillaOptions] say.
//   - Save writes the values that were changed, so requests at the same time keep
//     each other's. A session that was ended meanwhile stays so: Save then drops the
//     changes and sets no cookie. A new session without values is not saved.
//   - If the store is down, Get and New return the error and an empty session, which
//     Save refuses. So a program that drops the first error logs nobody out.
//   - Call [Renew] when somebody logs in.
//
// As with any store of gorilla, call Save before the answer is begun: afterwards the
// cookie is lost. It panics if store is nil and for options that make no sense.
func Gorilla(store app.SessionStore, o GorillaOptions) sessions.Store {
	if store == nil {
		panic("sessionstores: Gorilla needs a store")
	}
	return &gorilla{store: store, o: o.complete(), states: map[weak.Pointer[sessions.Session]]*gorillaState{}}
}

func (o GorillaOptions) complete() GorillaOptions {
	if o.Idle < 0 || o.Absolute < 0 || o.MaxAge < 0 {
		panic("sessionstores: the times of GorillaOptions cannot be negative")
	}
	if o.SameSite == http.SameSiteNoneMode && o.InsecureHTTP {
		panic("sessionstores: browsers refuse cookies with SameSite=None and without Secure")
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	if o.Absolute == 0 {
		o.Absolute = 12 * time.Hour
	}
	if o.Path == "" {
		o.Path = "/"
	}
	if o.SameSite == 0 {
		o.SameSite = http.SameSiteLaxMode
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

type gorilla struct {
	store app.SessionStore
	o     GorillaOptions

	// What is known of a session is kept beside it: its Values are the application's,
	// which may replace them. Sessions that nobody has any more are forgotten.
	mu     sync.Mutex
	states map[weak.Pointer[sessions.Session]]*gorillaState
}

var _ sessions.Store = (*gorilla)(nil)

// A gorillaState is what is known of one session of one request.
type gorillaState struct {
	id, key string             // of the stored session; empty: it is new
	record  *app.SessionRecord // as it was loaded
	dead    string             // the key of a row that is to be removed with the next insert
	fault   error              // of loading it
	renew   bool
}

// Renew gives the session a new id with the next Save, and ends the old one, as must
// be done whenever somebody logs in: else a session that an attacker planted becomes
// the user's. It is an error for a session of another store than [Gorilla]'s.
func Renew(s *sessions.Session) error {
	g, ok := s.Store().(*gorilla)
	if !ok {
		return errors.New("sessionstores: Renew of a session that is not of Gorilla")
	}
	state := g.state(s)
	state.renew = true
	return state.fault
}

// state returns what is known of s, which is nothing for a session that the
// application made itself.
func (g *gorilla) state(s *sessions.Session) *gorillaState {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := weak.Make(s)
	state, ok := g.states[p]
	if !ok {
		state = &gorillaState{}
		g.states[p] = state
		runtime.AddCleanup(s, g.forget, p)
	}
	return state
}

func (g *gorilla) forget(p weak.Pointer[sessions.Session]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.states, p)
}

// Get implements [sessions.Store]: one session for all of a request.
func (g *gorilla) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(g, name)
}

// New implements [sessions.Store]. The session is never nil.
func (g *gorilla) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(g, name)
	s.Options, s.IsNew = g.cookieOptions(), true
	state := g.state(s)
	id, ok := presentedID(r, name)
	if !ok {
		return s, nil
	}
	key := gorillaKey(name, id)
	record, err := g.store.Find(r.Context(), key)
	if err != nil && !errors.Is(err, app.ErrSessionDamaged) {
		state.fault, state.dead = err, key
		return s, err
	}
	if err != nil || !g.live(record, name) {
		state.dead = key // whatever was there is not adopted: the next id is another
		return s, nil
	}
	if s.Values, err = decodeValues(record.Data); err != nil {
		s.Values, state.dead = map[any]any{}, key
		return s, nil
	}
	state.id, state.key, state.record = id, key, record
	s.ID, s.IsNew = key, false
	return s, nil
}

func (g *gorilla) live(r *app.SessionRecord, name string) bool {
	return r != nil && r.Kind == gorillaKind(name) && g.now().Before(expiry(r))
}

func (g *gorilla) now() time.Time { return cell.Micro(g.o.Clock()) }

func (g *gorilla) cookieOptions() *sessions.Options {
	return &sessions.Options{Path: g.o.Path, Domain: g.o.Domain, MaxAge: g.o.MaxAge, Secure: !g.o.InsecureHTTP,
		HttpOnly: true, SameSite: g.o.SameSite}
}

// Save implements [sessions.Store]. It goes on after the client has hung up, so that
// nobody undoes a logout by that, for at most 5 s.
func (g *gorilla) Save(r *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
	defer cancel()
	state := g.state(s)
	if s.Options == nil {
		s.Options = g.cookieOptions()
	}
	if s.Options.MaxAge < 0 {
		return g.end(ctx, r, w, s, state)
	}
	if state.fault != nil {
		return state.fault
	}
	data, err := encodeValues(s.Values)
	if err != nil {
		return err
	}
	if state.key == "" || state.renew {
		return g.insert(ctx, r, w, s, state, data)
	}
	return g.update(ctx, w, s, state, data)
}
