package strategies

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/rollback"
	"github.com/kahu-go/kahu/tokenstores"
)

// Remember brings users back whose session is over, by a cookie of its own that outlives
// sessions. Put it into [app.SessionOptions].Remember, and log in with [app.Remember]. Make it
// with [NewRemember].
//
// Each login that is remembered is a series: one row, with the hash of the secret that the
// cookie has now. The secret is good for one use and then replaced. Who comes with one that was
// replaced before the Grace has a copy of the cookie, or its owner has come with it and somebody
// else has the copy; nobody can tell which. So the sessions of the user end ([app.Stolen]), then
// all their series, and [app.EventReused] tells of it.
//
// A cookie that is malformed, unknown, expired or stolen is a *[app.Rejection] and is taken
// from the client. What the store cannot answer is a fault, and the cookie stays.
type Remember struct {
	store   tokenstores.Store
	users   app.Serializer
	o       RememberOptions
	typ     string
	cookie  app.Cookie
	origins *http.CrossOriginProtection // nil: not checked
	turns   rotation
}

var (
	_ app.Rememberer = (*Remember)(nil)
	_ app.Challenger = (*Remember)(nil)
	_ app.Ender      = (*Remember)(nil)
	_ app.Describer  = (*Remember)(nil)
)

// NewRemember makes the strategy. It panics without a store or a Serializer, and for options
// that are unsafe or contradict each other. If the store is a [tokenstores.UserJoiner] it is
// asked to load the users with their series, in one query.
func NewRemember(store tokenstores.Store, users app.Serializer, o RememberOptions) *Remember {
	if isNil(store) || isNil(users) {
		panic("strategies: NewRemember needs a store and a Serializer")
	}
	o.setDefaults()
	o.mustBeSafe()
	if j, ok := store.(tokenstores.UserJoiner); ok {
		store = j.JoinUsers(users)
	}
	return &Remember{store, users, o, o.typ(), o.cookie(), o.origins(), rotation{o.typ(), o.Keys, o.Grace}}
}

// Authenticate proves the user whom the request's cookie remembers, and replaces the cookie.
// Identity.Info is the *[tokenstores.Token] of the series, its Handle the series' ID, and
// LoggedIn the login that it began with. Once headers are sent there are no credentials: the
// client could not be given what replaces them.
//
// A browser sends the cookie by itself, so an unsafe request from another site is answered 403.
func (r *Remember) Authenticate(ctx *app.Context) (*app.Identity, error) {
	if s := r.standing(ctx); s != (standing{}) {
		return s.id, s.err
	}
	rollback.On(ctx.Context(), r.before(ctx))
	id, err := r.authenticate(ctx)
	switch {
	case err == nil, errors.Is(err, errSeveral):
		r.stand(ctx, standing{id, err})
	case errors.Is(err, app.ErrInvalidCredentials):
		r.stand(ctx, standing{err: err})
		_ = r.cookie.Clear(ctx) // too late at worst
	}
	return id, err
}

func (r *Remember) authenticate(ctx *app.Context) (*app.Identity, error) {
	sent, err := r.presented(ctx)
	if err != nil {
		return nil, err
	}
	return r.prove(ctx, sent)
}

// prove returns whom a cookie proves. Each turn that is lost was won by another request, with
// whose row the next one begins.
func (r *Remember) prove(ctx *app.Context, sent refreshText) (*app.Identity, error) {
	for range 3 {
		d, err := r.series(ctx.Context(), sent)
		if err != nil {
			return nil, err
		}
		switch err := r.use(ctx, d); {
		case err == nil:
			return r.identity(d), nil
		case !errors.Is(err, tokenstores.ErrTokenRotated):
			return nil, err
		}
	}
	return nil, away("remember", errors.New("the cookie is used by too many at once"))
}

func (r *Remember) identity(d *device) *app.Identity {
	return &app.Identity{
		User: d.user, Scopes: []string{"*"}, Info: d.row, Via: "remember",
		Subject: d.row.Subject, Handle: d.row.ID, LoggedIn: d.row.Created,
	}
}

// Remember begins a series for a user who has just logged in, and gives the client its cookie.
// What the client had before is replaced and not ended: call Forget first, as Login does.
func (r *Remember) Remember(ctx *app.Context, user any) (handle string, err error) {
	d, err := r.begin(ctx, user)
	if err != nil {
		return "", err
	}
	undo := r.before(ctx)
	if err := r.give(ctx, d.sent, d.row); err != nil {
		return "", err
	}
	c, cancel := finishing(ctx.Context())
	defer cancel()
	if err := r.store.Insert(c, d.row); err != nil {
		undo()
		return "", away("store the series", err)
	}
	r.stand(ctx, standing{id: r.identity(d)})
	rollback.On(ctx.Context(), undo)
	ctx.Emit(app.Event{Name: app.EventIssued, Via: "remember", User: user, Subject: d.row.Subject, Info: d.row})
	return d.row.ID, nil
}

// Forget ends the series of the client, takes the cookie from it, and returns whose they were. A
// client without a cookie, and one with garbage, costs no question; a cookie that was made up
// ends nothing. One that was replaced before the Grace is stolen, as it is for Authenticate: the
// error is a *[app.Rejection] then, and everything is forgotten nevertheless.
func (r *Remember) Forget(ctx *app.Context) (ended []*app.Identity, err error) {
	s := r.standing(ctx)
	texts, any := r.all(ctx)
	if s == forgotten || !any && s.id == nil {
		return nil, nil
	}
	if ctx.Sent() {
		return nil, app.ErrHeadersSent
	}
	ended, stolen := r.forget(ctx, s.id, texts)
	if stolen != nil && !refused(stolen) {
		return nil, stolen
	}
	if err := r.take(ctx); err != nil {
		return nil, err
	}
	return ended, stolen
}

// forget ends the series that this request has come to know of, and those that the client names.
func (r *Remember) forget(ctx *app.Context, known *app.Identity, texts []refreshText) (ended []*app.Identity, stolen error) {
	if known != nil {
		if _, err := r.end(ctx.Context(), known.Handle, known.Subject); err != nil {
			return nil, err
		}
		ended = append(ended, known)
	}
	for _, sent := range texts {
		if known != nil && sent.id == known.Handle {
			continue
		}
		switch id, err := r.forgetSeries(ctx, sent); {
		case refused(err):
			stolen = err
		case err != nil:
			return nil, err
		case id != nil:
			ended = append(ended, id)
		}
	}
	return ended, stolen
}

// End ends the series that proved the request by itself, and takes the cookie.
func (r *Remember) End(ctx *app.Context, id *app.Identity) error {
	if _, err := r.end(ctx.Context(), id.Handle, id.Subject); err != nil {
		return err
	}
	return r.take(ctx)
}

// Remembers reports whether the series of an identity is there still.
func (r *Remember) Remembers(ctx context.Context, id *app.Identity) (bool, error) {
	if !isTokenID(id.Handle) {
		return false, nil
	}
	t, err := r.find(ctx, id.Handle)
	return t != nil && t.Subject == id.Subject && t.Live(r.now()), err
}

// Challenge says that it takes a cookie.
func (r *Remember) Challenge(*app.Context, error) string { return `Cookie realm="` + r.typ + `"` }

// Describe names the cookie.
func (r *Remember) Describe() (name, looksAt string) {
	return "remember", "the cookie " + r.cookie.Name
}

// Kind is that of the options. [app.NewSessions] refuses that of another kind of user.
func (r *Remember) Kind() string { return r.o.Kind }

// Stamped reports whether there is a Stamp. [app.NewSessions] asks.
func (r *Remember) Stamped() bool { return r.o.Stamp != nil }

func (r *Remember) now() time.Time { return r.o.Clock().UTC().Truncate(time.Microsecond) }
