package strategies_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A ferry is what a database is asked for by an API behind JWTs.
type ferry struct {
	jwt   *strategies.JWT
	clock *apptest.Clock
	trace *sqltrace.Trace
}

func ferryOptions(t testing.TB, db *bun.DB, allowlist bool) strategies.JWTOptions {
	o := strategies.JWTOptions{Issuer: shire, Audience: shireAPI, Keys: keysFor(t, "ES256"), Refresh: strategies.RefreshOptions{Store: tokenstores.NewBun(db)}, Allowlist: allowlist}
	if !allowlist {
		o.Denylist = tokenstores.NewBunDenylist(db)
	}
	return o
}

func newFerry(t testing.TB, address string, allowlist bool) *ferry {
	t.Helper()
	db, trace := sqltrace.Open(t, address)
	f := &ferry{clock: apptest.NewClock(landing), trace: trace}
	o := ferryOptions(t, db, allowlist)
	o.Clock = f.clock.Now
	f.jwt = strategies.NewJWT(riders(t, db), o)
	f.issue(t)
	f.send(f.issue(t).Access(), true) // prepares the statements
	return f
}

func (f *ferry) issue(t testing.TB) *strategies.TokenPair {
	t.Helper()
	pair, err := f.jwt.Issue(t.Context(), &rider{ID: 7}, strategies.PairOptions{})
	require.NoError(t, err)
	return pair
}

// send returns the status and what it cost.
func (f *ferry) send(text string, logout bool) (int, sqltrace.Counts) {
	f.trace.Reset()
	r := httptest.NewRequest("GET", "/", nil)
	if text != "" {
		r.Header.Set("Authorization", "Bearer "+text)
	}
	w := httptest.NewRecorder()
	app.New().Use(app.Authenticate(f.jwt), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = ctx.User().(*rider).Name
		if logout {
			return ctx.Logout()
		}
		return nil
	}).ServeHTTP(w, r)
	return w.Code, f.trace.Counts()
}

// What is forged, expired or not there costs nothing; what is good one query, with its
// user in it.
func TestJWTStatements(t *testing.T) {
	nothing, one := sqltrace.Counts{}, sqltrace.Counts{Queries: 1}
	for name, address := range addresses {
		for kind, allowlist := range map[string]bool{"denylist": false, "allowlist": true} {
			t.Run(name+" with a "+kind, func(t *testing.T) {
				f := newFerry(t, address(t), allowlist)
				cost := func(want sqltrace.Counts, status int, text string, what string) {
					got, counts := f.send(text, false)
					assert.Equal(t, status, got, what)
					assert.Equal(t, want, counts, what)
				}
				pair := f.issue(t)
				cost(nothing, 401, "", "anonymous")
				cost(nothing, 401, "garbage", "garbage")
				cost(nothing, 401, draftWith(key(signer("ES256", attacker()))), "forged")
				cost(nothing, 401, draftWith(claim("iss", `"https://mordor.example"`)), "another issuer's")
				cost(nothing, 401, draftWith(header("kid", `"unknown"`)), "an unknown key")
				cost(nothing, 401, pair.Refresh(), "a refresh token")
				cost(one, 200, pair.Access(), "a good one")
				cost(one, 200, pair.Access(), "again")

				f.trace.Reset()
				other := f.issue(t)
				counts := f.trace.Counts()
				assert.Equal(t, map[bool]sqltrace.Counts{false: {Queries: 1, Execs: 1}, true: {Execs: 1}}[allowlist], counts, "a login: its row, and the epoch of a denylist")
				status, counts := f.send(other.Access(), true)
				assert.Equal(t, 200, status)
				assert.Equal(t, map[bool]sqltrace.Counts{false: {Queries: 1, Execs: 2}, true: {Queries: 1, Execs: 1}}[allowlist], counts, "a logout: who it is, then what ends")
				cost(one, 401, other.Access(), "one that was logged out")
				cost(one, 200, pair.Access(), "the other device")
				f.clock.Advance(15 * 60e9)
				cost(nothing, 401, pair.Access(), "expired")
			})
		}
	}
}

// What one process ends the next request of another does not take.
func TestJWTOfTwoProcesses(t *testing.T) {
	for name, address := range addresses {
		for kind, allowlist := range map[string]bool{"denylist": false, "allowlist": true} {
			t.Run(name+" with a "+kind, func(t *testing.T) {
				url := address(t)
				open := func() *bun.DB {
					db, err := database.Open(url)
					require.NoError(t, err)
					t.Cleanup(func() { _ = db.Close() })
					return db
				}
				one, two := open(), open()
				here := strategies.NewJWT(riders(t, one), ferryOptions(t, one, allowlist))
				there := strategies.NewJWT(serializer.NewTable[rider](two, serializer.TableOptions{}), ferryOptions(t, two, allowlist))
				status := func(text string) int {
					w := httptest.NewRecorder()
					app.New().Use(app.Authenticate(there), func(ctx *app.Context, _ app.Handler) error { ctx.Status = 204; return nil }).ServeHTTP(w, bearing(text))
					return w.Code
				}
				eowyn := &rider{ID: 7}
				for what, end := range map[string]func(p *strategies.TokenPair) error{
					"a device": func(p *strategies.TokenPair) error {
						_, err := here.Revoke(t.Context(), eowyn, p.Claims.Device)
						return err
					},
					"all": func(*strategies.TokenPair) error { _, err := here.RevokeAll(t.Context(), eowyn, ""); return err },
					"one by its text": func(p *strategies.TokenPair) error {
						_, err := here.RevokeText(t.Context(), p.Access(), "")
						return err
					},
				} {
					pair, err := here.Issue(t.Context(), eowyn, strategies.PairOptions{})
					require.NoError(t, err)
					assert.Equal(t, 204, status(pair.Access()), what)
					require.NoError(t, end(pair), what)
					assert.Equal(t, 401, status(pair.Access()), what)
				}
			})
		}
	}
}
