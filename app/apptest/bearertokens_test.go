package apptest_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// vault is an application behind one strategy.
func vault(s app.Strategy) *app.App {
	return app.New().Use(app.Authenticate(s), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = fmt.Sprint("the rings of ", ctx.User())
		return nil
	})
}

func asked(t testing.TB, s app.Strategy, header, value string) int {
	t.Helper()
	c := apptest.NewClient(t, vault(s))
	c.Header.Set(header, value)
	return c.Get("/").Status
}

type opaque func(testing.TB, *strategies.Bearer, any, strategies.TokenOptions) string

// opaqueStates are the answers to a token in each state.
var opaqueStates = map[string]struct {
	make   opaque
	status int
}{
	"good":    {apptest.Token, 200},
	"expired": {apptest.ExpiredToken, 401},
	"revoked": {apptest.RevokedToken, 401},
	"foreign": {apptest.ForeignToken, 401},
}

func TestOpaqueTokensInEveryState(t *testing.T) {
	for name, o := range map[string]strategies.BearerOptions{
		"as it is":            {},
		"that live for ever":  {Expiry: strategies.Never},
		"with an idle limit":  {IdleLimit: time.Hour, Expiry: strategies.Never},
		"with the real clock": {Clock: time.Now},
		"with MACs":           {Keys: macs(t)},
		"of a Type that is 64": {
			Type: "foreign-foreign-foreign-foreign-foreign-foreign-foreign-foreign-",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o.Logger = slog.New(slog.DiscardHandler)
			if o.Clock == nil {
				o.Clock = apptest.NewClock(start).Now
			}
			b := strategies.NewBearer(tokenstores.NewMemory(), users, o)
			for name, c := range opaqueStates {
				for _, own := range []strategies.TokenOptions{{}, {Expiry: time.Minute, Scopes: []string{"rings:read"}}, {Expiry: strategies.Never}} {
					text := c.make(t, b, "frodo", own)
					assert.Equal(t, c.status, asked(t, b, "Authorization", "Bearer "+text), "%s %v", name, own.Expiry)
				}
			}
		})
	}
}

func macs(t testing.TB) *strategies.TokenKeys {
	keys, err := strategies.NewTokenKeys(strategies.TokenKey{ID: "a", Secret: []byte("speak, friend, and enter the mines")})
	require.NoError(t, err)
	return keys
}

func TestAPIKeysInEveryState(t *testing.T) {
	keys := strategies.NewAPIKey(tokenstores.NewMemory(), users, strategies.APIKeyOptions{})
	for name, c := range opaqueStates {
		text := c.make(t, keys.Bearer, "frodo", strategies.TokenOptions{})
		assert.Equal(t, c.status, asked(t, keys, "X-API-Key", text), name)
		assert.Equal(t, 401, asked(t, keys, "X-API-Key", text+"0"), "the checksum counts")
	}
}

func TestAnExpiredTokenHasJustExpired(t *testing.T) {
	clock := apptest.NewClock(start)
	b := strategies.NewBearer(tokenstores.NewMemory(), users, strategies.BearerOptions{Clock: clock.Now})
	text := apptest.ExpiredToken(t, b, "frodo", strategies.TokenOptions{})
	assert.Equal(t, 401, asked(t, b, "Authorization", "Bearer "+text))
	clock.Advance(-time.Microsecond)
	assert.Equal(t, 200, asked(t, b, "Authorization", "Bearer "+text))
}

func TestAForeignTokenIsGoodForItsOwnTypeUntilTheTestEnds(t *testing.T) {
	store := tokenstores.NewMemory()
	b := strategies.NewBearer(store, users, strategies.BearerOptions{})
	other := strategies.NewBearer(store, users, strategies.BearerOptions{Type: "foreign-api"})
	f := &failing{TB: t}
	text := apptest.ForeignToken(f, b, "frodo", strategies.TokenOptions{})
	assert.Equal(t, 401, asked(t, b, "Authorization", "Bearer "+text))
	assert.Equal(t, 200, asked(t, other, "Authorization", "Bearer "+text), "it is live, else it would show nothing")
	f.cleanup()
	assert.Equal(t, 401, asked(t, other, "Authorization", "Bearer "+text))
}

func TestOpaqueTokensThatCannotBe(t *testing.T) {
	b := strategies.NewBearer(tokenstores.NewMemory(), users, strategies.BearerOptions{})
	for name, c := range opaqueStates {
		f := &failing{TB: t}
		assert.PanicsWithError(t, errStopped.Error(), func() { c.make(f, b, "frodo", strategies.TokenOptions{Scopes: []string{""}}) }, name)
		assert.Contains(t, f.why, "apptest: strategies: unusable token options: ")
	}
}

func ExampleExpiredToken() {
	t := &failing{} // in a test, its own t
	defer t.cleanup()
	bearer := strategies.NewBearer(tokenstores.NewMemory(), users, strategies.BearerOptions{})
	client := apptest.NewClient(t, vault(bearer))
	for _, text := range []string{
		apptest.Token(t, bearer, "frodo", strategies.TokenOptions{}),
		apptest.ExpiredToken(t, bearer, "frodo", strategies.TokenOptions{}),
		apptest.RevokedToken(t, bearer, "frodo", strategies.TokenOptions{}),
		apptest.ForeignToken(t, bearer, "frodo", strategies.TokenOptions{}),
	} {
		client.Header.Set("Authorization", "Bearer "+text)
		fmt.Println(client.Get("/rings").Status)
	}
	// Output:
	// 200
	// 401
	// 401
	// 401
}
