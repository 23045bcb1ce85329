package accounts_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
)

// to counts the mails that an address got.
func (p *postOffice) to(address string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.sent {
		if m.To == address {
			n++
		}
	}
	return n
}

func TestMailsForOnePurposeUseUpNothingOfAnothers(t *testing.T) {
	s := newShire(t, nil)
	owner, stranger := s.caller(t), s.caller(t)
	owner.signUp()
	require.Equal(t, http.StatusOK, owner.send("PATCH", "/users/verifications", fields{"token": s.post.token(t, email, accounts.PurposeVerify)}).Status)
	for range 6 {
		stranger.send("POST", "/users/verifications", fields{"email": email})
	}
	require.Equal(t, http.StatusTooManyRequests, stranger.send("POST", "/users/verifications", fields{"email": email}).Status)
	mallory := s.caller(t)
	mallory.keep(mallory.send("POST", "/users/sign_up", fields{"email": "mallory@mordor.example", "password": password}))
	for range 6 {
		mallory.send("POST", "/users/emails", fields{"email": email, "current_password": password})
	}
	assert.Equal(t, http.StatusOK, owner.send("POST", "/users/resets", fields{"email": email}).Status)
	assert.Equal(t, http.StatusOK, owner.send("PATCH", "/users/resets", fields{"token": s.post.token(t, email, accounts.PurposeReset), "password": another}).Status)
}

func TestThirtySignUpsWithOneAddressSendFiveMails(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	for range 30 {
		c.signUp()
		require.Equal(t, http.StatusOK, c.send("DELETE", "/users/delete", nil).Status)
	}
	assert.Equal(t, 5, s.post.to(email))
	s.clock.Advance(time.Hour)
	c.signUp()
	assert.Equal(t, 6, s.post.to(email))
}

func TestNoticesToAnOldAddressAreBounded(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	before := s.post.to(email)
	for i := range 10 {
		r := c.send("POST", "/users/emails", fields{"email": fmt.Sprintf("x%d@mordor.example", i), "current_password": password})
		assert.Equal(t, http.StatusOK, r.Status)
	}
	assert.Equal(t, 5, s.post.to(email)-before)
	assert.Equal(t, 1, s.post.to("x9@mordor.example"), "who is not told any more is not kept from the change")
}

// An interruptedCounter lets something happen before it counts what begins with a prefix.
type interruptedCounter struct {
	throttle.Counter
	prefix string
	*once
}

func (c interruptedCounter) Add(ctx context.Context, key string, n int64, now time.Time, window time.Duration) (throttle.Count, error) {
	if strings.HasPrefix(key, c.prefix) {
		c.now()
	}
	return c.Counter.Add(ctx, key, n, now, window)
}

func TestANewAddressAskedForWithTheOldPasswordIsNotConfirmedAfterTheChange(t *testing.T) {
	const fresh = "gollum@mordor.example"
	for _, whole := range []bool{true, false} {
		for _, meets := range []bool{true, false} {
			t.Run(fmt.Sprintf("in transactions: %v, meanwhile: %v", whole, meets), func(t *testing.T) {
				var counted once
				s := newShire(t, func(_ *shire, o *accounts.Options) {
					o.Attempts = interruptedCounter{throttle.NewMemory(), "mail:to:", &counted}
					if !whole {
						o.Transact = nil
					}
				})
				owner, thief := s.caller(t), s.caller(t)
				owner.signUp()
				thief.keep(thief.signIn(password))
				changed := func() { owner.keep(owner.send("PATCH", "/users/passwords", change)) }
				if meets {
					counted.play = changed
				}
				require.Equal(t, http.StatusOK, thief.send("POST", "/users/emails", fields{"email": fresh, "current_password": password}).Status)
				if !meets {
					changed()
				}
				r := thief.send("PATCH", "/users/emails", fields{"token": s.post.token(t, fresh, accounts.PurposeEmail)})
				assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
				assert.JSONEq(t, `{"status":"error","error":"The link is not valid any more"}`, r.Body)
				assert.Equal(t, email, owner.Get("/posts").Body)
				assert.Equal(t, http.StatusOK, owner.signIn(another).Status)
			})
		}
	}
}

func TestAResetWorksForAnAddressThatAnotherSystemStoredInCapitals(t *testing.T) {
	const stored = "Frodo@Shire.example"
	s := newShire(t, nil)
	s.caller(t).signUp()
	execute(t, s.db, "UPDATE users SET email = ?", stored)
	execute(t, s.db, "CREATE UNIQUE INDEX users_lower ON users (lower(email))")
	store := accounts.NewTable[accounts.User](s.db, accounts.TableOptions{Name: "users", CaseInsensitive: true})
	r := router.New()
	accounts.New(store, accounts.Options{
		Tokens: s.newJWT(store, "", nil), Hasher: s.hasher, Clock: s.clock.Now,
		Mail: accounts.MailOptions{Mailer: s.post, Tokens: tokenstores.NewBun(s.db), Link: link},
	}).Mount(r, accounts.MountOptions{})
	c := &caller{apptest.NewClient(t, app.New().Use(r.Layer)), t}
	for _, spelling := range []string{stored, email, "FRODO@SHIRE.EXAMPLE"} {
		s.clock.Advance(time.Hour)
		for path, p := range map[string]accounts.Purpose{"/users/verifications": accounts.PurposeVerify, "/users/resets": accounts.PurposeReset} {
			execute(t, s.db, "UPDATE users SET verified_at = NULL")
			require.Equal(t, http.StatusOK, c.send("POST", path, fields{"email": spelling}).Status)
			r := c.send("PATCH", path, fields{"token": s.post.token(t, stored, p), "password": another})
			assert.Equal(t, http.StatusOK, r.Status, "%s %s: %s", path, spelling, r.Body)
		}
		assert.Equal(t, http.StatusOK, c.send("POST", "/users/sign_in", fields{"email": spelling, "password": another}).Status)
	}
	c.keep(c.signIn(another))
	require.Equal(t, http.StatusOK, c.send("POST", "/users/emails", fields{"email": "underhill@bree.example", "current_password": another}).Status)
	assert.Equal(t, http.StatusOK, c.send("PATCH", "/users/emails", fields{"token": s.post.token(t, "underhill@bree.example", accounts.PurposeEmail)}).Status)
}

func link(p accounts.Purpose, token string) string {
	return "https://shire.example/" + string(p) + "?token=" + token
}

func TestKindsInOneStoreDoNotTakeEachOthersMails(t *testing.T) {
	s := newShire(t, nil)
	store := accounts.NewTable[Admin](s.db, accounts.TableOptions{})
	post := &postOffice{}
	accounts.New(store, accounts.Options{ // of the same Resource
		Tokens: s.newJWT(store, "admin", nil), Hasher: s.hasher, Clock: s.clock.Now,
		Mail: accounts.MailOptions{Mailer: post, Tokens: tokenstores.NewBun(s.db), Link: link},
	}).Mount(s.router, accounts.MountOptions{Path: "/admins"})
	admin, user := s.caller(t), s.caller(t)
	admin.keep(admin.send("POST", "/admins/sign_up", fields{"email": email, "password": password}))
	user.signUp() // number 1, as the admin is
	admin.send("POST", "/admins/resets", fields{"email": email})
	user.send("POST", "/users/resets", fields{"email": email})
	admins, users := post.token(t, email, accounts.PurposeReset), s.post.token(t, email, accounts.PurposeReset)
	for path, token := range map[string]string{"/admins/resets": users, "/users/resets": admins} {
		assert.Equal(t, http.StatusUnprocessableEntity, s.caller(t).send("PATCH", path, fields{"token": token, "password": another}).Status, path)
	}
	require.Equal(t, http.StatusOK, user.send("PATCH", "/users/resets", fields{"token": users, "password": another}).Status)
	assert.Equal(t, http.StatusOK, admin.send("PATCH", "/admins/resets", fields{"token": admins, "password": another}).Status, "the user's reset ended none of the admin's mails")
}

func TestTheCurrentPasswordIsThatOfNoAccountOfASimilarSpelling(t *testing.T) {
	const gollums = "gollums-own-fish-1950"
	s := newShire(t, nil)
	frodo, gollum := s.caller(t), s.caller(t)
	frodo.signUp()
	gollum.keep(gollum.send("POST", "/users/sign_up", fields{"email": "gollum@mordor.example", "password": gollums}))
	execute(t, s.db, "UPDATE users SET email = 'Frodo@Shire.example' WHERE email = ?", email)
	execute(t, s.db, "UPDATE users SET email = ? WHERE email = 'gollum@mordor.example'", email)
	r := frodo.send("PATCH", "/users/passwords", fields{"current_password": gollums, "password": another})
	assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
	r = frodo.send("POST", "/users/emails", fields{"email": "x@mordor.example", "current_password": gollums})
	assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
	frodo.keep(frodo.send("PATCH", "/users/passwords", change))
	assert.Equal(t, http.StatusOK, gollum.signIn(gollums).Status)
}

func TestStrangersDoNotKeepASignedInPersonFromAChange(t *testing.T) {
	s := newShire(t, nil)
	owner, stranger := s.caller(t), s.caller(t)
	owner.signUp()
	for range 101 {
		stranger.signIn("sauron-was-here-99")
	}
	require.Equal(t, http.StatusTooManyRequests, stranger.signIn(password).Status)
	assert.Equal(t, http.StatusOK, owner.send("POST", "/users/emails", fields{"email": "x@shire.example", "current_password": password}).Status)
	owner.keep(owner.send("PATCH", "/users/passwords", change))
	assert.Equal(t, email, owner.Get("/posts").Body)
}

func TestTheCurrentPasswordIsGuessedTwentyTimesAnHour(t *testing.T) {
	s := newShire(t, nil)
	owner, thief, sam := s.caller(t), s.caller(t), s.caller(t)
	owner.signUp()
	sam.keep(sam.send("POST", "/users/sign_up", fields{"email": "sam@shire.example", "password": password}))
	thief.Header = owner.Header.Clone()
	guess := func(i int) int {
		wrong := fmt.Sprintf("sauron-was-here-%d", i)
		if i%2 == 0 {
			return thief.send("PATCH", "/users/passwords", fields{"current_password": wrong, "password": another}).Status
		}
		return thief.send("POST", "/users/emails", fields{"email": "x@mordor.example", "current_password": wrong}).Status
	}
	for i := range 20 {
		assert.Equal(t, http.StatusUnprocessableEntity, guess(i))
	}
	before := s.hashes.Load()
	assert.Equal(t, http.StatusTooManyRequests, guess(20))
	assert.Equal(t, http.StatusTooManyRequests, guess(21))
	r := thief.send("PATCH", "/users/passwords", change)
	assert.Equal(t, http.StatusTooManyRequests, r.Status, "the right one, too")
	assert.NotEmpty(t, r.Header.Get("Retry-After"))
	assert.Equal(t, before, s.hashes.Load(), "nothing was compared")
	sam.keep(sam.send("PATCH", "/users/passwords", change))
	assert.Equal(t, http.StatusOK, s.caller(t).signIn(password).Status, "signing in is counted apart")

	s.clock.Advance(time.Hour)
	owner.keep(owner.send("POST", "/users/tokens", nil))
	owner.keep(owner.send("PATCH", "/users/passwords", change))
	for i := range 20 {
		thief.Header = owner.Header.Clone()
		assert.Equal(t, http.StatusUnprocessableEntity, guess(i), "the right one began the count anew")
	}
}
