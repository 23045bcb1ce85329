package apptest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// JWTPair returns an access token and a refresh token of user that j accepts, for which
// nobody was asked a password. The test fails if j issues none.
func JWTPair(t testing.TB, j *strategies.JWT, user any, o strategies.PairOptions) *strategies.TokenPair {
	t.Helper()
	pair, err := j.Issue(t.Context(), user, o)
	if err != nil {
		t.Fatalf("apptest: %v", err)
	}
	return pair
}

// ExpiredAccess returns a pair whose access token has just expired, by the clock of j. The
// refresh token is as good as a new one.
func ExpiredAccess(t testing.TB, j *strategies.JWT, user any, o strategies.PairOptions) *strategies.TokenPair {
	t.Helper()
	return JWTPair(t, j.With(func(jo *strategies.JWTOptions) {
		ago := expire(jo)
		jo.Refresh.Idle, jo.Refresh.Absolute = longer(jo.Refresh.Idle, ago), longer(jo.Refresh.Absolute, ago)
	}), user, o)
}

// ExpiredPair returns a pair of which both tokens have just expired. There is none of which
// the refresh token alone has: an access token does not outlive its device.
func ExpiredPair(t testing.TB, j *strategies.JWT, user any, o strategies.PairOptions) *strategies.TokenPair {
	t.Helper()
	return JWTPair(t, j.With(func(jo *strategies.JWTOptions) {
		expire(jo)
		jo.Refresh.Idle, jo.Refresh.Absolute = jo.Expiry, jo.Expiry
	}), user, o)
}

// expire sets the clock back by what an access token lives, and returns how much that is.
func expire(o *strategies.JWTOptions) time.Duration {
	ago, now := o.Expiry+o.Leeway, o.Clock
	o.Clock = func() time.Time { return now().Add(-ago) }
	return ago
}

// longer is a limit that ends as late after a login that was so long ago as after one of now.
func longer(limit, ago time.Duration) time.Duration {
	const most = 100 * 365 * 24 * time.Hour // what the options take
	return min(limit+ago, most)
}

// RevokedPair returns a pair whose device was logged out. The test fails if j knows no way.
func RevokedPair(t testing.TB, j *strategies.JWT, user any, o strategies.PairOptions) *strategies.TokenPair {
	t.Helper()
	pair := JWTPair(t, j, user, o)
	if err := j.EndIssued(t.Context(), pair); err != nil {
		t.Fatalf("apptest: %v", err)
	}
	return pair
}

// ForeignPair returns a pair that somebody else made: it says what one of j's would, and is
// signed under the name of j's key with another one of its algorithm; the refresh token is
// in no store of j's. It takes seconds if that is RSA.
func ForeignPair(t testing.TB, j *strategies.JWT, user any, o strategies.PairOptions) *strategies.TokenPair {
	t.Helper()
	j = j.With(func(jo *strategies.JWTOptions) {
		if jo.Refresh.Store != nil {
			jo.Refresh.Store = tokenstores.NewMemory()
		}
		if jo.Denylist != nil {
			jo.Denylist = tokenstores.NewMemoryDenylist()
		}
	})
	keys := impostors(t, JWTPair(t, j, user, o).Access())
	return JWTPair(t, j.With(func(jo *strategies.JWTOptions) { jo.Keys = keys }), user, o)
}

// impostors are keys like the one that signed a token, by their names.
func impostors(t testing.TB, access string) *strategies.JWTKeys {
	t.Helper()
	var header struct {
		ID        string `json:"kid"`
		Algorithm string `json:"alg"`
	}
	text, _, _ := strings.Cut(access, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &header)
	}
	if err != nil {
		t.Fatalf("apptest: the header of a JWT: %v", err)
	}
	key, err := strategies.GenerateJWTKey(header.ID, header.Algorithm)
	if err != nil {
		t.Fatalf("apptest: %v", err)
	}
	keys, err := strategies.NewJWTKeys(key)
	if err != nil {
		t.Fatalf("apptest: %v", err)
	}
	return keys
}
