package accounts_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/passwords"
)

// BenchmarkWrongSignIn reports the median of each class of wrong sign-in, at bcrypt's cost
// 10: they are alike, or the time would tell who has an account.
func BenchmarkWrongSignIn(b *testing.B) {
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{Cost: 10})
	s := newShire(b, func(_ *shire, o *accounts.Options) { o.RequireVerified, o.Hasher = true, hasher })
	hash, err := hasher.Hash(b.Context(), password)
	require.NoError(b, err)
	for name, n := range map[string]accounts.NewAccount{
		"known": {Hash: hash, Verified: true}, "unverified": {Hash: hash}, "disabled": {Hash: hash, Verified: true}, "without": {Verified: true},
	} {
		n.Email = name + "@shire.example"
		user, err := s.store.Create(b.Context(), n)
		require.NoError(b, err)
		if name == "disabled" {
			_, err = s.store.Disable(b.Context(), user)
			require.NoError(b, err)
		}
	}
	for name, sent := range map[string]fields{
		"unknown account":    {"email": "unknown@shire.example", "password": password},
		"wrong password":     {"email": "known@shire.example", "password": another},
		"without a password": {"email": "without@shire.example", "password": password},
		"disabled":           {"email": "disabled@shire.example", "password": password},
		"unverified":         {"email": "unverified@shire.example", "password": password},
	} {
		b.Run(name, func(b *testing.B) {
			c := s.caller(b)
			var times []time.Duration
			for b.Loop() {
				s.clock.Advance(hourAndMore) // so that none is refused for being too many
				began := time.Now()
				r := c.send("POST", "/users/sign_in", sent)
				times = append(times, time.Since(began))
				require.Equal(b, http.StatusUnauthorized, r.Status)
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms/median")
		})
	}
}
