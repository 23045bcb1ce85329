package kahu_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A movedRails is a client of the new application over the old one's tables.
type movedRails struct {
	*apptest.Client
	db *bun.DB
}

func moveRails(t *testing.T) *movedRails {
	t.Helper()
	db, err := database.Open("file:" + t.TempDir() + "/rails.db")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	for _, statement := range []string{railsUsers, railsTokens, railsUser} {
		execute(t, db, statement)
	}
	execute(t, db, railsRow, time.Now().Add(14*24*time.Hour).UTC().Format(railsTime))
	execute(t, db, railsPreparation)
	type User struct {
		ID    int64 `bun:",pk,autoincrement"`
		Email string
	}
	require.NoError(t, accounts.NewTable[User](db, accounts.TableOptions{Hash: "password_digest"}).Check(t.Context()))
	key, err := strategies.GenerateJWTKey("2026-11", "ES256")
	require.NoError(t, err)
	keys, err := strategies.NewJWTKeys(key)
	require.NoError(t, err)
	return &movedRails{apptest.NewClient(t, apiGuardSnippet(db, keys)), db}
}

// railsAccess is an access token as api_guard makes it.
func railsAccess(t *testing.T, ends time.Time) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"user_id": 7, "exp": ends.Unix(), "iat": ends.Add(-24 * time.Hour).Unix()})
	delete(token.Header, "typ")
	text, err := token.SignedString([]byte(railsSecret))
	require.NoError(t, err)
	return text
}

// call sends a request as the old client does: forms, and both tokens in headers.
func (m *movedRails) call(t *testing.T, method, path, form, access, refresh string) *apptest.Response {
	t.Helper()
	r := m.NewRequest(method, path, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	if refresh != "" {
		r.Header.Set("Refresh-Token", refresh)
	}
	return m.Do(r)
}

func assertAnswer(t *testing.T, res *apptest.Response, status int, body string) {
	t.Helper()
	assert.Equal(t, status, res.Status)
	assert.JSONEq(t, body, res.Body)
}

func assertTokens(t *testing.T, h http.Header) (access, refresh string) {
	t.Helper()
	assert.Regexp(t, `^[\w-]+\.[\w-]+\.[\w-]+$`, h.Get("Access-Token"))
	assert.NotEmpty(t, h.Get("Refresh-Token"))
	assert.Regexp(t, `^\d{10}$`, h.Get("Expire-At"))
	return h.Get("Access-Token"), h.Get("Refresh-Token")
}

const (
	railsSignedIn  = `{"status":"success","message":"Signed in successfully"}`
	railsRefreshed = `{"status":"success","message":"Token refreshed successfully"}`
	railsExpired   = `{"status":"error","error":"Access token expired"}`
	railsWrong     = `{"status":"error","error":"Invalid login credentials"}`
)

func TestFromAPIGuardPassword(t *testing.T) {
	m := moveRails(t)
	assertAnswer(t, m.call(t, "POST", "/users/sign_in", "email=frodo@shire.example&password=precious-ring-1955", "", ""), 422, railsWrong)
	res := m.call(t, "POST", "/users/sign_in", "email=Frodo@Shire.example&password=precious-ring-1954", "", "")
	assertAnswer(t, res, 200, railsSignedIn)
	assert.True(t, strings.HasPrefix(single[string](t, m.db, "SELECT password_digest FROM users"), "$2a$12$"))
	access, refresh := assertTokens(t, res.Header)
	assert.Equal(t, 200, m.call(t, "GET", "/posts", "", access, "").Status)
	res = m.call(t, "POST", "/users/tokens", "", access, refresh)
	assertAnswer(t, res, 200, railsRefreshed)
	access, _ = assertTokens(t, res.Header)
	assertAnswer(t, m.call(t, "DELETE", "/users/sign_out", "", access, ""), 200, `{"status":"success","message":"Signed out successfully"}`)
	assertAnswer(t, m.call(t, "GET", "/posts", "", access, ""), 401, `{"status":"error","error":"Invalid access token"}`)
	assertAnswer(t, m.call(t, "POST", "/users/sign_in", "email=frodo@shire.example&password=precious-ring-1954", "", ""), 200, railsSignedIn)
}

// The hash is bcrypt-ruby's, of password and pepper, as devise makes it.
func TestFromDeviseWithAPepper(t *testing.T) {
	const stored = "$2a$04$rnmi9Qt.DF1Ou.dxc9ibIukrVmT8Z4aVXDnVlT4Hp/FMpPqjjnCh6"
	hasher := passwords.NewAnyOf(
		passwords.NewArgon2id(passwords.Argon2idOptions{}),
		passwords.NewDevise(passwords.DeviseOptions{Pepper: "nazgul-pepper", Bcrypt: passwords.BcryptOptions{InsecureCost: 4}}),
	)
	require.NoError(t, hasher.Verify(t.Context(), stored, "precious-ring-1954"))
	require.ErrorIs(t, hasher.Verify(t.Context(), stored, "precious-ring-1955"), passwords.ErrMismatch)
	assert.True(t, hasher.NeedsRehash(stored))
	renewed, err := hasher.Hash(t.Context(), "precious-ring-1954")
	require.NoError(t, err)
	assert.False(t, hasher.NeedsRehash(renewed))
	assert.NoError(t, passwords.NewArgon2id(passwords.Argon2idOptions{}).Verify(t.Context(), renewed, "precious-ring-1954"), "without the pepper")
}

func TestFromAPIGuardTokens(t *testing.T) {
	m := moveRails(t)
	old := railsAccess(t, time.Now().Add(time.Hour))
	for _, route := range [][2]string{{"GET", "/posts"}, {"DELETE", "/users/sign_out"}, {"PATCH", "/users/passwords"}, {"DELETE", "/users/delete"}} {
		assertAnswer(t, m.call(t, route[0], route[1], "", old, ""), 401, railsExpired)
	}
	assert.Equal(t, 401, m.call(t, "POST", "/users/tokens", "", old, "AmI4RJgkBizSulmDVCL7EA").Status, "a forged one")
	res := m.call(t, "POST", "/users/tokens", "", old, railsRefresh)
	assertAnswer(t, res, 200, railsRefreshed)
	access, refresh := assertTokens(t, res.Header)
	assert.Equal(t, 200, m.call(t, "GET", "/posts", "", access, "").Status)
	assert.Equal(t, 401, m.call(t, "POST", "/users/tokens", "", old, railsRefresh).Status, "the second time")
	assert.Equal(t, 0, single[int](t, m.db, "SELECT count(*) FROM refresh_tokens"))
	res = m.call(t, "POST", "/users/tokens", "", access, refresh)
	assertAnswer(t, res, 200, railsRefreshed)
	access, _ = assertTokens(t, res.Header)
	assert.Equal(t, 200, m.call(t, "GET", "/posts", "", access, "").Status)
	assert.Greater(t, m.life(t), 89, "as if it had logged in now")
}

// life is for how many days the one device that is logged in can be refreshed.
func (m *movedRails) life(t *testing.T) int {
	t.Helper()
	return int(time.Duration(single[int64](t, m.db, "SELECT expires - created FROM tokens")) * time.Microsecond / (24 * time.Hour))
}

func TestFromAPIGuardATokenThatExpiresLivesNoLonger(t *testing.T) {
	m := moveRails(t)
	execute(t, m.db, "UPDATE refresh_tokens SET expire_at = ?", time.Now().Add(50*time.Hour).UTC().Format(railsTime))
	assertAnswer(t, m.call(t, "POST", "/users/tokens", "", railsAccess(t, time.Now()), railsRefresh), 200, railsRefreshed)
	assert.Equal(t, 2, m.life(t))
}

func TestFromAPIGuardOldTokensEndWithThePassword(t *testing.T) {
	for name, change := range map[string]struct{ method, path, form, want string }{
		"changed": {"PATCH", "/users/passwords", "password=another-ring-1955&password_confirmation=another-ring-1955", "Password changed successfully"},
		"deleted": {"DELETE", "/users/delete", "", "Account deleted successfully"},
	} {
		t.Run(name, func(t *testing.T) {
			m := moveRails(t)
			execute(t, m.db, "INSERT INTO refresh_tokens (token, user_id, created_at, updated_at) VALUES ('jZQK0jzIV2LeNR86bYCcEA', 7, '2026-11-22', '2026-11-22')")
			access, _ := assertTokens(t, m.call(t, "POST", "/users/tokens", "", railsAccess(t, time.Now()), "jZQK0jzIV2LeNR86bYCcEA").Header)
			assertAnswer(t, m.call(t, change.method, change.path, change.form, access, ""), 200, `{"status":"success","message":"`+change.want+`"}`)
			assert.Equal(t, 401, m.call(t, "POST", "/users/tokens", "", railsAccess(t, time.Now()), railsRefresh).Status)
			assert.Equal(t, 401, m.call(t, "GET", "/posts", "", access, "").Status)
		})
	}
}

func TestFromAPIGuardTheDatabaseIsAway(t *testing.T) {
	m := moveRails(t)
	execute(t, m.db, "ALTER TABLE refresh_tokens RENAME TO away")
	assert.Equal(t, 503, m.call(t, "POST", "/users/tokens", "", railsAccess(t, time.Now()), railsRefresh).Status)
	execute(t, m.db, "ALTER TABLE away RENAME TO refresh_tokens")
	assert.Equal(t, 200, m.call(t, "POST", "/users/tokens", "", railsAccess(t, time.Now()), railsRefresh).Status)
}
