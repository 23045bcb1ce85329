package accounts_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// Once is what happens in the middle of something else.
type once struct{ play func() }

func (o *once) now() {
	if play := o.play; play != nil {
		o.play = nil
		play()
	}
}

// interruptions are the steps of a sign-in after which something else happens.
type (
	slowHasher struct {
		passwords.Hasher
		checked *once
	}
	slowDevices struct {
		tokenstores.Store
		before, after *once
	}
)

func (h slowHasher) Verify(ctx context.Context, hash, password string) error {
	err := h.Hasher.Verify(ctx, hash, password)
	h.checked.now()
	return err
}

func (d slowDevices) Insert(ctx context.Context, t *tokenstores.Token) error {
	d.before.now()
	err := d.Store.Insert(ctx, t)
	d.after.now()
	return err
}

// A slow is a shire whose sign-ins can be interrupted. Its refresh tokens are good alone.
type slow struct {
	*shire
	checked, before, after once
}

func buildSlow(t *testing.T, db *bun.DB, edit func(o *accounts.Options)) *slow {
	t.Helper()
	w := &slow{}
	w.shire = build(t, db, func(s *shire, o *accounts.Options) {
		s.jwt = s.jwt.With(func(o *strategies.JWTOptions) {
			o.Refresh.NeedsAccess = false
			o.Refresh.Store = slowDevices{tokenstores.NewBun(db), &w.before, &w.after}
		})
		o.Tokens, o.Hasher = s.jwt, slowHasher{s.hasher, &w.checked}
		edit(o)
	})
	return w
}

// attempt signs in and keeps what it is given, if anything.
func (c *caller) attempt(with string) int {
	r := c.signIn(with)
	c.Header.Set("Authorization", "Bearer "+r.Header.Get("Access-Token"))
	c.Header.Set("Refresh-Token", r.Header.Get("Refresh-Token"))
	return r.Status
}

func TestASignInWithTheOldPasswordThatMeetsTheChangeDoesNotSurviveIt(t *testing.T) {
	whole := func(*accounts.Options) {}
	loose := func(o *accounts.Options) { o.Transact = nil }
	tests := map[string]struct {
		edit func(o *accounts.Options)
		at   func(w *slow) *once
	}{
		"in transactions, after the password was checked": {whole, func(w *slow) *once { return &w.checked }},
		"without, after the password was checked":         {loose, func(w *slow) *once { return &w.checked }},
		"without, before the device is stored":            {loose, func(w *slow) *once { return &w.before }},
		"without, after the device was stored":            {loose, func(w *slow) *once { return &w.after }},
	}
	events := map[string]func(s *shire, owner *caller, mailed string) int{
		"changed": func(_ *shire, owner *caller, _ string) int {
			return owner.send("PATCH", "/users/passwords", change).Status
		},
		"reset": func(_ *shire, owner *caller, mailed string) int {
			return owner.send("PATCH", "/users/resets", fields{"token": mailed, "password": another}).Status
		},
		"deleted": func(_ *shire, owner *caller, _ string) int { return owner.send("DELETE", "/users/delete", nil).Status },
	}
	for name, test := range tests {
		for event, end := range events {
			t.Run(event+" "+name, func(t *testing.T) {
				onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
					w := buildSlow(t, db, test.edit)
					owner, thief := w.caller(t), w.caller(t)
					owner.signUp()
					owner.send("POST", "/users/resets", fields{"email": email})
					mailed, status := w.post.token(t, email, accounts.PurposeReset), 0
					test.at(w).play = func() { status = end(w.shire, owner, mailed) }
					assert.Equal(t, http.StatusUnauthorized, thief.attempt(password))
					require.Equal(t, http.StatusOK, status)
					w.putOut(t, thief)
					n, err := db.NewSelect().Table("tokens").Where("type = ?", w.jwt.Type()).Count(t.Context())
					require.NoError(t, err)
					assert.EqualValues(t, map[string]int{"changed": 1, "reset": 0, "deleted": 0}[event], n, "devices")
				})
			})
		}
	}
}

// waits reports whether somebody waits for a lock of the database.
func waits(t *testing.T, db *bun.DB) bool {
	n, err := db.NewSelect().TableExpr("pg_stat_activity").Where("datname = current_database() AND wait_event_type = 'Lock'").Count(t.Context())
	return assert.NoError(t, err) && n > 0
}

// meet begins one in the middle of another, until it is done or waits for it.
func meet(t *testing.T, db *bun.DB, deed func()) (done chan struct{}) {
	t.Helper()
	done = make(chan struct{})
	go func() {
		defer close(done)
		deed()
	}()
	assert.Eventually(t, func() bool {
		select {
		case <-done:
			return true
		default:
			return waits(t, db)
		}
	}, 10*time.Second, time.Millisecond)
	return done
}

// A heldRevoker is asked in the middle of a change, and ends nothing.
type heldRevoker struct{ *once }

func (h heldRevoker) RevokeAll(context.Context, any, string) (int, error) {
	h.now()
	return 0, nil
}

func TestASignInWaitsForAChangeThatIsNotCommittedAndIsRefused(t *testing.T) {
	db, _ := sqltrace.Open(t, addresses["Postgres"](t))
	var held once
	w := buildSlow(t, db, func(o *accounts.Options) { o.Others = append(o.Others, heldRevoker{&held}) })
	owner, thief := w.caller(t), w.caller(t)
	owner.signUp()
	var done chan struct{}
	status := 0
	held.play = func() { done = meet(t, db, func() { status = thief.attempt(password) }) }
	owner.keep(owner.send("PATCH", "/users/passwords", change))
	<-done
	assert.Equal(t, http.StatusUnauthorized, status)
	w.putOut(t, thief)
	assert.Equal(t, http.StatusOK, owner.Get("/posts").Status)
}

// Without a transaction there is a moment when everything has ended and the old password
// still is the right one.
func TestWhoSignsInBetweenTheEndingAndTheChangeIsPutOut(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		var held once
		w := buildSlow(t, db, func(o *accounts.Options) { o.Transact, o.Others = nil, []accounts.Revoker{heldRevoker{&held}} })
		owner, thief := w.caller(t), w.caller(t)
		owner.signUp()
		held.play = func() { thief.keep(thief.signIn(password)) }
		owner.keep(owner.send("PATCH", "/users/passwords", change))
		w.putOut(t, thief)
		assert.Equal(t, http.StatusOK, owner.Get("/posts").Status)
	})
}

func TestAChangeWaitsForASignInThatIsNotCommittedAndEndsItsDevice(t *testing.T) {
	for name, at := range map[string]func(w *slow) *once{
		"before the device is stored": func(w *slow) *once { return &w.before }, "after": func(w *slow) *once { return &w.after },
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := sqltrace.Open(t, addresses["Postgres"](t))
			w := buildSlow(t, db, func(*accounts.Options) {})
			owner, thief := w.caller(t), w.caller(t)
			owner.signUp()
			var done chan struct{}
			at(w).play = func() {
				done = meet(t, db, func() { owner.keep(owner.send("PATCH", "/users/passwords", change)) })
			}
			thief.attempt(password)
			<-done
			w.putOut(t, thief)
			assert.Equal(t, http.StatusOK, owner.Get("/posts").Status)
		})
	}
}

func TestTwoSignInsWhoseHashIsDueForAnotherBothSucceed(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		w := buildSlow(t, db, func(o *accounts.Options) {
			o.Hasher = slowHasher{passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 5}), o.Hasher.(slowHasher).checked}
		})
		weak, err := w.hasher.Hash(t.Context(), password)
		require.NoError(t, err)
		_, err = w.store.Create(t.Context(), accounts.NewAccount{Email: email, Hash: weak})
		require.NoError(t, err)
		phone, tablet := w.caller(t), w.caller(t)
		w.checked.play = func() { tablet.keep(tablet.signIn(password)) }
		phone.keep(phone.signIn(password))
		assert.Equal(t, email, phone.Get("/posts").Body)
		assert.Equal(t, email, tablet.Get("/posts").Body)
	})
}
