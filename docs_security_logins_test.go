package kahu_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
)

var securityOfLogins = []claim{
	{"under all its names together, and at one name | 100 in a window", failedLoginsOfAnAccount},
	{"failed logins from one address | 1,000 in a window", failedLoginsOfAnAddress},
	{"which begins with the first attempt | 1 hour", loginWindow},
	{"(`Accounts.CheckPassword`) | 20 in 1 hour", wrongConfirmations},
	{"mails to one address, for each purpose | 5 in 1 hour", mailsToAnAddress},
	{"mails that one client asks for | 50 in 1 hour", mailsOfAClient},
	{"yours, in a window of 1 minute", throttleWindow},
	{"the one with the lowest count goes first | 100,000", keysInMemory},
	{"are answered 429 with `Retry-After`", tooManyAttempts},
	{"Addresses of IPv6 count by their /64", bitsOfAnAddress},
}

// door checks names and passwords of one account that has two names.
func door(t *testing.T, o strategies.LocalOptions) *strategies.Local {
	t.Helper()
	o.Hasher = quick()
	hash, err := o.Hasher.Hash(t.Context(), innPassword)
	require.NoError(t, err)
	return strategies.NewLocal(func(_ context.Context, name string) (*reviewed, string, error) {
		if name != "frodo" && name != "underhill" {
			return nil, "", nil
		}
		return ringbearer, hash, nil
	}, o)
}

// knock tries a password and returns the status of the answer.
func knock(t *testing.T, l *strategies.Local, name, password, address string) int {
	t.Helper()
	c := strategies.Credentials{Name: name, Password: password}
	if address != "" {
		c.Address = netip.MustParseAddr(address)
	}
	_, err := l.Verify(t.Context(), c)
	return statusIn(err)
}

func failedLoginsOfAnAccount(t *testing.T, n int) {
	name, account := door(t, strategies.LocalOptions{}), door(t, strategies.LocalOptions{})
	for i := range n {
		require.Equal(t, 401, knock(t, name, "frodo", "guess", ""), "attempt %d", i+1)
		require.Equal(t, 401, knock(t, account, []string{"frodo", "underhill"}[i%2], "guess", ""))
	}
	assert.Equal(t, 429, knock(t, name, "frodo", innPassword, ""))
	assert.Equal(t, 401, knock(t, account, "frodo", innPassword, ""), "as a wrong password")

	last := door(t, strategies.LocalOptions{})
	for range n - 1 {
		knock(t, last, "frodo", "guess", "")
	}
	assert.Zero(t, knock(t, last, "frodo", innPassword, ""))
}

func failedLoginsOfAnAddress(t *testing.T, n int) {
	l := door(t, strategies.LocalOptions{})
	for i := range n {
		require.Equal(t, 401, knock(t, l, fmt.Sprint("orc ", i), "guess", "192.0.2.1"))
	}
	assert.Equal(t, 429, knock(t, l, "frodo", innPassword, "192.0.2.1"))
	assert.Zero(t, knock(t, l, "frodo", innPassword, "192.0.2.2"))
}

func loginWindow(t *testing.T, d time.Duration) {
	ends(t, d, func(clock *apptest.Clock) func() bool {
		l := door(t, strategies.LocalOptions{AccountLimit: 1, Clock: clock.Now})
		require.Equal(t, 401, knock(t, l, "frodo", "guess", ""))
		return func() bool { return knock(t, l, "frodo", innPassword, "") == 429 }
	})
}

// counted checks that try is refused after n times, for as long as the window.
func counted(t *testing.T, n int, window time.Duration, open func(clock *apptest.Clock) (try func() error)) {
	t.Helper()
	ends(t, window, func(clock *apptest.Clock) func() bool {
		try := open(clock)
		for i := range n {
			require.NotEqual(t, 429, statusIn(try()), "time %d", i+1)
		}
		require.Equal(t, 429, statusIn(try()))
		return func() bool { return statusIn(try()) == 429 }
	})
}

func wrongConfirmations(t *testing.T, n int, window time.Duration) {
	counted(t, n, window, func(clock *apptest.Clock) func() error {
		x := openInn(t, accounts.Options{Clock: clock.Now})
		return func() error {
			return inRequest(t, func(ctx *app.Context) error { return x.CheckPassword(ctx, x.frodo, "guess") })
		}
	})
}

func mailsToAnAddress(t *testing.T, n int, window time.Duration) {
	counted(t, n, window, func(clock *apptest.Clock) func() error {
		x := openInn(t, accounts.Options{Clock: clock.Now})
		return func() error {
			return inRequest(t, func(ctx *app.Context) error { return x.MailReset(ctx, "sam@shire.example") })
		}
	})
}

func mailsOfAClient(t *testing.T, n int, window time.Duration) {
	counted(t, n, window, func(clock *apptest.Clock) func() error {
		x, asked := openInn(t, accounts.Options{Clock: clock.Now}), 0
		return func() error {
			asked++
			return inRequest(t, func(ctx *app.Context) error { return x.MailReset(ctx, fmt.Sprintf("orc%d@mordor.example", asked)) })
		}
	})
}

func throttleWindow(t *testing.T, d time.Duration) {
	ends(t, d, func(clock *apptest.Clock) func() bool {
		layer := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1, Clock: clock.Now})
		c := apptest.NewClient(t, app.New().Use(layer, onPath(map[string]app.Handler{"/": fine})))
		require.Equal(t, 204, c.Get("/").Status)
		return func() bool { return c.Get("/").Status == 429 }
	})
}

func keysInMemory(t *testing.T, n int) {
	m, now := throttle.NewMemory(), reviewClock().Now()
	add := func(key int, times int64, at time.Time) int64 {
		count, err := m.Add(t.Context(), fmt.Sprint("key ", key), times, at, time.Hour)
		require.NoError(t, err)
		return count.N
	}
	add(0, 1, now)
	for key := 1; key < n; key++ {
		add(key, 2, now)
	}
	require.EqualValues(t, 1, add(0, 0, now))
	add(n, 2, now)
	assert.EqualValues(t, 2, add(1, 0, now))
	assert.Zero(t, add(0, 0, now), "pushed out")
}

func tooManyAttempts(t *testing.T, status int) {
	l := door(t, strategies.LocalOptions{AccountLimit: 1, Clock: reviewClock().Now})
	c := apptest.NewClient(t, app.New().Use(app.Authenticate(l)))
	c.PostJSON("/", map[string]string{"username": "frodo", "password": "guess"})
	res := c.PostJSON("/", map[string]string{"username": "frodo", "password": innPassword})
	assert.Equal(t, status, res.Status)
	assert.NotEmpty(t, res.Header.Get("Retry-After"))
}

func bitsOfAnAddress(t *testing.T, bits int) {
	one := netip.MustParseAddr("2001:db8::")
	flipped := func(bit int) netip.Addr {
		b := one.As16()
		b[(bit-1)/8] ^= 0x80 >> ((bit - 1) % 8)
		return netip.AddrFrom16(b)
	}
	assert.Equal(t, throttle.Client(one), throttle.Client(flipped(bits+1)))
	assert.NotEqual(t, throttle.Client(one), throttle.Client(flipped(bits)))
}
