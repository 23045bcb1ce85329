package strategytest_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/strategies/strategytest"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
)

var discard = slog.New(slog.DiscardHandler)

// downStore is a store that is down where a strategy asks it.
type downStore struct {
	tokenstores.Store
	fault strategytest.Fault
}

func (s downStore) Find(ctx context.Context, _, _ string) (*tokenstores.Token, error) {
	return nil, s.fault(ctx)
}

func (s downStore) Renew(ctx context.Context, _, _, _ string, _ tokenstores.Renewal) error {
	return s.fault(ctx)
}

func (s downStore) Delete(ctx context.Context, _, _, _ string) (bool, error) {
	return false, s.fault(ctx)
}

type downDenylist struct {
	tokenstores.Denylist
	fault strategytest.Fault
}

func (d downDenylist) Find(ctx context.Context, _ string, _ ...string) (*tokenstores.Denials, error) {
	return nil, d.fault(ctx)
}

func (d downDenylist) Deny(ctx context.Context, _ ...tokenstores.Denial) error { return d.fault(ctx) }

type downCounter struct {
	throttle.Counter
	fault strategytest.Fault
}

func (c downCounter) Add(ctx context.Context, _ string, _ int64, _ time.Time, _ time.Duration) (throttle.Count, error) {
	return throttle.Count{}, c.fault(ctx)
}

// downUsers cannot be loaded.
func downUsers(fault strategytest.Fault) app.Serializer {
	return serializer.New(func(name string) string { return name }, func(ctx context.Context, _ string) (string, error) { return "", fault(ctx) })
}

// accountsOf are two users with their passwords, one without any, and one who is disabled.
func accountsOf(t testing.TB, h passwords.Hasher) func(ctx context.Context, name string) (string, string, error) {
	hashes := map[string]string{"gollum": ""}
	for name, password := range map[string]string{"frodo": "Speak-friend", "sam": "Po-ta-toes", "saruman": "many-colours"} {
		hash, err := h.Hash(t.Context(), password)
		require.NoError(t, err)
		hashes[name] = hash
	}
	return func(_ context.Context, name string) (string, string, error) {
		hash, known := hashes[name]
		if !known {
			return "", "", sql.ErrNoRows
		}
		return name, hash, nil
	}
}

func TestLocalKeepsTheContract(t *testing.T) {
	strategytest.Run(t, func(t testing.TB) strategytest.Suite {
		hasher := passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 8})
		find := accountsOf(t, hasher)
		o := strategies.LocalOptions{Hasher: hasher, Logger: discard, AccountLimit: 10_000, AddressLimit: 10_000, Disabled: func(user any) bool { return user == "saruman" }}
		local := func(find func(context.Context, string) (string, string, error), o strategies.LocalOptions) app.Strategy {
			return strategies.NewLocal(find, o)
		}
		by := func(name string) func(*http.Request, string) {
			return strategytest.InForm("password", "username", name)
		}
		return strategytest.Suite{
			Strategy: local(find, o),
			Good:     []strategytest.Credential{{User: "frodo", Secret: "Speak-friend", Send: by("frodo")}, {User: "sam", Secret: "Po-ta-toes", Send: by("sam")}},
			Wrong: []strategytest.Credential{
				{Secret: "Po-ta-toes", Send: by("frodo")}, {Secret: "Speak-friend", Send: by("nobody")},
				{Secret: "my-precious", Send: by("gollum")}, {Secret: "many-colours", Send: by("saruman")},
			},
			Broken: []func(strategytest.Fault) app.Strategy{
				func(fault strategytest.Fault) app.Strategy {
					return local(func(ctx context.Context, _ string) (string, string, error) { return "", "", fault(ctx) }, o)
				},
				func(fault strategytest.Fault) app.Strategy {
					o := o
					o.Attempts = downCounter{fault: fault}
					return local(find, o)
				},
			},
		}
	})
}

func TestBearerKeepsTheContract(t *testing.T) {
	clock := apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))
	o := strategies.BearerOptions{Logger: discard, Clock: clock.Now}
	inForm, inQuery := o, o
	inForm.Form, inQuery.InsecureQuery = "access_token", "access_token"
	for name, c := range map[string]struct {
		send func(*http.Request, string)
		o    strategies.BearerOptions
	}{
		"in the header": {strategytest.InAuthorization("Bearer"), o},
		"in a form":     {strategytest.InForm("access_token"), inForm},
		"in the query":  {strategytest.InQuery("access_token"), inQuery},
	} {
		t.Run(name, func(t *testing.T) {
			strategytest.Run(t, func(t testing.TB) strategytest.Suite { return bearerSuite(t, clock, c.o, c.send) })
		})
	}
}

func bearerSuite(t testing.TB, clock *apptest.Clock, o strategies.BearerOptions, send func(*http.Request, string)) strategytest.Suite {
	store := tokenstores.NewMemory()
	b := strategies.NewBearer(store, names, o)
	issue := func(by *strategies.Bearer, name string, o strategies.TokenOptions) *strategies.IssuedToken {
		token, err := by.Issue(t.Context(), name, o)
		require.NoError(t, err)
		return token
	}
	revoked := issue(b, "frodo", strategies.TokenOptions{})
	_, err := b.Revoke(t.Context(), "frodo", revoked.Token.ID)
	require.NoError(t, err)
	expired := issue(b, "frodo", strategies.TokenOptions{Expiry: time.Minute})
	clock.Advance(time.Hour)
	foreign := issue(strategies.NewBearer(store, names, strategies.BearerOptions{Type: "reset"}), "frodo", strategies.TokenOptions{})
	return strategytest.Suite{
		Strategy: b, Send: send,
		Good: []strategytest.Credential{
			{User: "frodo", Secret: issue(b, "frodo", strategies.TokenOptions{}).Text()}, {User: "sam", Secret: issue(b, "sam", strategies.TokenOptions{}).Text()},
		},
		Wrong: []strategytest.Credential{{Secret: revoked.Text()}, {Secret: expired.Text()}, {Secret: foreign.Text()}},
		Broken: []func(strategytest.Fault) app.Strategy{
			func(fault strategytest.Fault) app.Strategy {
				return strategies.NewBearer(downStore{store, fault}, names, o)
			},
			func(fault strategytest.Fault) app.Strategy { return strategies.NewBearer(store, downUsers(fault), o) },
		},
	}
}

func TestJWTKeepsTheContract(t *testing.T) {
	key, err := strategies.GenerateJWTKey("a", "ES256")
	require.NoError(t, err)
	keys, err := strategies.NewJWTKeys(key)
	require.NoError(t, err)
	for name, send := range map[string]func(*http.Request, string){
		"in the header": strategytest.InAuthorization("Bearer"), "in a cookie": strategytest.InCookie("jwt"),
	} {
		t.Run(name, func(t *testing.T) {
			strategytest.Run(t, func(t testing.TB) strategytest.Suite {
				o := strategies.JWTOptions{
					Issuer: "https://shire.example", Audience: "https://api.shire.example", Keys: keys, Logger: discard, Denylist: tokenstores.NewMemoryDenylist(),
					Sources: []strategies.Source{strategies.FromAuthorization(), strategies.FromCookie("jwt")},
				}
				j := strategies.NewJWT(names, o)
				issue := func(by *strategies.JWT, name string) *strategies.TokenPair {
					pair, err := by.Issue(t.Context(), name, strategies.PairOptions{})
					require.NoError(t, err)
					return pair
				}
				revoked := issue(j, "frodo")
				require.NoError(t, j.EndIssued(t.Context(), revoked))
				elsewhere := j.With(func(o *strategies.JWTOptions) { o.Audience = "https://mordor.example" })
				yesterday := j.With(func(o *strategies.JWTOptions) { o.Clock = func() time.Time { return time.Now().Add(-24 * time.Hour) } })
				return strategytest.Suite{
					Strategy: j, Send: send,
					Good:  []strategytest.Credential{{User: "frodo", Secret: issue(j, "frodo").Access()}, {User: "sam", Secret: issue(j, "sam").Access()}},
					Wrong: []strategytest.Credential{{Secret: revoked.Access()}, {Secret: issue(elsewhere, "frodo").Access()}, {Secret: issue(yesterday, "frodo").Access()}},
					Broken: []func(strategytest.Fault) app.Strategy{
						func(fault strategytest.Fault) app.Strategy {
							return j.With(func(o *strategies.JWTOptions) { o.Denylist = downDenylist{fault: fault} })
						},
						func(fault strategytest.Fault) app.Strategy { return strategies.NewJWT(downUsers(fault), o) },
					},
				}
			})
		})
	}
}

func TestBasicKeepsTheContract(t *testing.T) {
	strategytest.Run(t, func(t testing.TB) strategytest.Suite {
		hasher := passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 8})
		o := strategies.LocalOptions{Hasher: hasher, Logger: discard, AccountLimit: 10_000, AddressLimit: 10_000}
		basic := func(find func(context.Context, string) (string, string, error)) app.Strategy {
			return strategies.NewBasic(strategies.NewLocal(find, o).Verify, strategies.BasicOptions{})
		}
		return strategytest.Suite{
			Strategy: basic(accountsOf(t, hasher)),
			Good: []strategytest.Credential{
				{User: "frodo", Secret: "Speak-friend", Send: strategytest.InBasic("frodo")}, {User: "sam", Secret: "Po-ta-toes", Send: strategytest.InBasic("sam")},
			},
			Wrong: []strategytest.Credential{
				{Secret: "Po-ta-toes", Send: strategytest.InBasic("frodo")}, {Secret: "my-precious", Send: strategytest.InBasic("gollum")},
				{Secret: "not-base64-!", Send: strategytest.InAuthorization("Basic")},
			},
			Foreign: []func(*http.Request){func(r *http.Request) { strategytest.InAuthorization("Bearer")(r, "a-token") }},
			Broken: []func(strategytest.Fault) app.Strategy{func(fault strategytest.Fault) app.Strategy {
				return basic(func(ctx context.Context, _ string) (string, string, error) { return "", "", fault(ctx) })
			}},
		}
	})
}

func TestAPIKeyKeepsTheContract(t *testing.T) {
	strategytest.Run(t, func(t testing.TB) strategytest.Suite {
		store, o := tokenstores.NewMemory(), strategies.APIKeyOptions{Logger: discard}
		k := strategies.NewAPIKey(store, names, o)
		key := func(name string) string {
			key, err := k.Issue(t.Context(), name, strategies.TokenOptions{})
			require.NoError(t, err)
			return key.Text()
		}
		token, err := strategies.NewBearer(store, names, strategies.BearerOptions{}).Issue(t.Context(), "frodo", strategies.TokenOptions{})
		require.NoError(t, err)
		return strategytest.Suite{
			Strategy: k, Send: strategytest.InHeader("X-API-Key"),
			Good:    []strategytest.Credential{{User: "frodo", Secret: key("frodo")}, {User: "sam", Secret: key("sam")}},
			Wrong:   []strategytest.Credential{{Secret: token.Text()}, {Secret: "no key at all"}},
			Foreign: []func(*http.Request){func(r *http.Request) { strategytest.InAuthorization("Bearer")(r, token.Text()) }},
			Broken: []func(strategytest.Fault) app.Strategy{
				func(fault strategytest.Fault) app.Strategy {
					return strategies.NewAPIKey(downStore{store, fault}, names, o)
				},
				func(fault strategytest.Fault) app.Strategy { return strategies.NewAPIKey(store, downUsers(fault), o) },
			},
		}
	})
}

// Its cookies are good for one use, so each request brings one of a new series.
func TestRememberKeepsTheContract(t *testing.T) {
	strategytest.Run(t, func(t testing.TB) strategytest.Suite {
		store, o := tokenstores.NewMemory(), strategies.RememberOptions{Logger: discard}
		r := strategies.NewRemember(store, names, o)
		series := func(name string) func() string {
			return func() string {
				res := apptest.NewClient(t, app.New().Use(func(ctx *app.Context, _ app.Handler) error {
					_, err := r.Remember(ctx, name)
					return err
				})).Get("/")
				return res.SetCookie("__Host-remember").Value
			}
		}
		return strategytest.Suite{
			Strategy: r, Send: strategytest.InCookie("__Host-remember"),
			Good:  []strategytest.Credential{{User: "frodo", Fresh: series("frodo")}, {User: "sam", Fresh: series("sam")}},
			Wrong: []strategytest.Credential{{Secret: "not a cookie of ours"}},
			Broken: []func(strategytest.Fault) app.Strategy{
				func(fault strategytest.Fault) app.Strategy {
					return strategies.NewRemember(downStore{store, fault}, names, o)
				},
				func(fault strategytest.Fault) app.Strategy { return strategies.NewRemember(store, downUsers(fault), o) },
			},
		}
	})
}
