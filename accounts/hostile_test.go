package accounts_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/uptrace/bun"
)

var change = fields{"current_password": password, "password": another}

// putOut says that nothing of a caller's works.
func (s *shire) putOut(t *testing.T, c *caller, why ...any) {
	t.Helper()
	assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status, why...)
	assert.Equal(t, http.StatusUnauthorized, c.send("POST", "/users/tokens", nil).Status, why...)
}

// A stamp that the change writes must not end the tokens that the change is answered with.
func TestTheTokensInTheAnswerToAChangeWorkUnderItsStamp(t *testing.T) {
	s := newShire(t, func(s *shire, o *accounts.Options) {
		s.jwt = s.jwt.With(func(o *strategies.JWTOptions) {
			o.Stamp = func(u any) string { return u.(*accounts.User).UpdatedAt.String() }
		})
		o.Tokens = s.jwt
	})
	strong := accounts.New(s.store, accounts.Options{Tokens: s.jwt, Clock: s.clock.Now, Hasher: passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 5})})
	s.router.Open().Post("/strong", strong.SignIn)
	c, thief := s.caller(t), s.caller(t)
	c.signUp()
	thief.keep(thief.signIn(password))
	c.keep(c.send("PATCH", "/users/passwords", change))
	assert.Equal(t, email, c.Get("/posts").Body)
	c.keep(c.send("POST", "/users/tokens", nil))
	assert.Equal(t, email, c.Get("/posts").Body)
	s.putOut(t, thief)

	t.Run("and those of a sign-in that renews the hash", func(t *testing.T) {
		weak, err := s.hasher.Hash(t.Context(), password)
		require.NoError(t, err)
		execute(t, s.db, "UPDATE users SET password_hash = ?", weak)
		c.keep(c.send("POST", "/strong", fields{"email": email, "password": password}))
		assert.Equal(t, email, c.Get("/posts").Body)
	})
}

func TestAChangeWithAHashThatIsDueForAnotherSucceedsAtOnce(t *testing.T) {
	s := newShire(t, nil)
	strong := accounts.New(s.store, accounts.Options{Tokens: s.jwt, Clock: s.clock.Now, Hasher: passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 5})})
	s.router.Guard(strong.RequireLogin).Patch("/strong", strong.ChangePassword)
	c := s.caller(t)
	c.signUp()
	c.keep(c.send("PATCH", "/strong", change))
	assert.Equal(t, email, c.Get("/posts").Body)
	assert.Equal(t, http.StatusOK, c.signIn(another).Status)
}

func TestADeviceThatCannotBeEndedIsAFaultAndNoRefusal(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		s := build(t, db, nil)
		c := s.caller(t)
		c.signUp()
		user, _, err := s.store.ByEmail(t.Context(), email)
		require.NoError(t, err)
		_, err = s.store.Disable(t.Context(), user)
		require.NoError(t, err)
		trace.Fail(func(call sqltrace.Call) error {
			if call.Kind == sqltrace.Exec && strings.Contains(call.Text, "denials") {
				return errors.New("the bridge of Khazad-dûm is broken")
			}
			return nil
		})
		r := c.send("POST", "/users/tokens", nil)
		assert.Equal(t, http.StatusServiceUnavailable, r.Status)
		assert.Empty(t, r.Header.Get("Access-Token")+r.Header.Get("Refresh-Token"))
	})
}

func TestADisabledAccountCannotRefresh(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	_, err = s.store.Disable(t.Context(), user)
	require.NoError(t, err)
	r := c.send("POST", "/users/tokens", nil)
	assert.Equal(t, http.StatusUnauthorized, r.Status)
	assert.JSONEq(t, `{"status":"error","error":"Invalid refresh token"}`, r.Body)
	assert.Empty(t, r.Header.Get("Access-Token")+r.Header.Get("Refresh-Token"))

	_, err = s.store.Enable(t.Context(), user)
	require.NoError(t, err)
	s.putOut(t, c, "the device has ended")
	devices, err := s.jwt.Devices(t.Context(), user)
	require.NoError(t, err)
	assert.Empty(t, devices)
	c.keep(c.signIn(password))
	assert.Equal(t, email, c.Get("/posts").Body)
}

func TestAUserDeletesNoAdminOfTheSameTypeAndNumber(t *testing.T) {
	s := newShire(t, nil)
	store := accounts.NewUsers(s.db, "admins")
	admins := accounts.New(store, accounts.Options{Tokens: s.newJWT(store, "admin", nil), Resource: "admin", Hasher: s.hasher, Clock: s.clock.Now})
	admins.Mount(s.router, accounts.MountOptions{})
	either := s.router.Guard(accounts.OneOf(admins, s.people))
	either.Get("/via", func(ctx *app.Context) error {
		id, _ := ctx.Identity()
		ctx.Body = id.Via
		return nil
	})
	either.Delete("/gone", admins.DeleteAccount)
	either.Patch("/password", admins.ChangePassword)
	admin, user := s.caller(t), s.caller(t)
	admin.keep(admin.send("POST", "/admins/sign_up", fields{"email": email, "password": password})) // number 1 there too
	user.signUp()
	assert.Equal(t, "user", user.Get("/via").Body)
	assert.Equal(t, "admin", admin.Get("/via").Body)
	assert.Equal(t, http.StatusUnauthorized, user.send("DELETE", "/gone", nil).Status)
	assert.Equal(t, http.StatusUnauthorized, user.send("PATCH", "/password", change).Status)
	assert.Equal(t, "user", user.Get("/via").Body)
	assert.Equal(t, "admin", admin.Get("/via").Body)
	assert.Equal(t, http.StatusOK, admin.send("DELETE", "/gone", nil).Status)
	assert.Equal(t, http.StatusUnauthorized, admin.Get("/via").Status)
	assert.Equal(t, "user", user.Get("/via").Body)
}

func TestKindsThatTakeEachOthersTokensCannotStandSideBySide(t *testing.T) {
	s := newShire(t, nil)
	admins := accounts.New(s.store, accounts.Options{Tokens: s.jwt, Resource: "admin"})
	const message = "accounts: OneOf needs accounts, each with a JWTOptions.Kind of its own"
	assert.PanicsWithValue(t, message, func() { accounts.OneOf(s.people, admins) })
	assert.PanicsWithValue(t, message, func() { accounts.OneOf(s.people, s.people) })
	assert.PanicsWithValue(t, message, func() { accounts.OneOf() })
}
