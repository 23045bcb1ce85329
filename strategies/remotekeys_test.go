package strategies_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/jws"
	"github.com/kahu-go/kahu/strategies"
)

// An issuer serves a JWK Set and counts how often it is asked.
type issuer struct {
	*httptest.Server
	asked  atomic.Int32
	clock  *apptest.Clock
	log    bytes.Buffer
	mu     sync.Mutex
	answer http.HandlerFunc
}

func newIssuer(t *testing.T, set string) *issuer {
	t.Helper()
	i := &issuer{clock: apptest.NewClock(keyTime)}
	i.serve(set)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) do(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

func (i *issuer) serve(set string) {
	i.do(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set)) })
}

func (i *issuer) fail() {
	i.do(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) })
}

// keys has a MaxAge of 10 minutes, a MaxStale of an hour and a Cooldown of a minute, unless it is told otherwise.
func (i *issuer) keys(change ...func(o *strategies.RemoteKeysOptions)) *strategies.RemoteKeys {
	o := strategies.RemoteKeysOptions{
		Algorithms: []string{"EdDSA", "ES256", "RS256"}, MaxStale: time.Hour, InsecureHTTP: true, Clock: i.clock.Now, Logger: slog.New(slog.NewTextHandler(&i.log, nil)),
	}
	for _, f := range change {
		f(&o)
	}
	return strategies.NewRemoteKeys(i.URL+"/keys?token=secret", o)
}

// remoteKey returns the public JWK of a key, with these members more or other.
func remoteKey(t *testing.T, id, algorithm string, key any, change ...string) string {
	t.Helper()
	k, err := jws.NewKey(id, algorithm, key)
	require.NoError(t, err)
	raw, _ := k.JWK()
	var members map[string]any
	require.NoError(t, json.Unmarshal(raw, &members))
	for i := 0; i < len(change); i += 2 {
		if members[change[i]] = change[i+1]; change[i+1] == "" {
			delete(members, change[i])
		}
	}
	raw, err = json.Marshal(members)
	require.NoError(t, err)
	return string(raw)
}

func keySet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// setOf is a set of fresh keys with these IDs.
func setOf(t *testing.T, ids ...string) string {
	t.Helper()
	var keys []string
	for _, id := range ids {
		keys = append(keys, remoteKey(t, id, "EdDSA", edPair(t)))
	}
	return keySet(keys...)
}

// finds wants the key to be there, or not to be there: "could not find out" is neither.
func finds(t *testing.T, k *strategies.RemoteKeys, id string, want bool) {
	t.Helper()
	found, err := k.Find(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, want, found != nil, "%q", id)
	if found != nil && id != "" {
		assert.Equal(t, id, found.ID())
	}
}

func cannotTell(t *testing.T, k *strategies.RemoteKeys, id string) {
	t.Helper()
	found, err := k.Find(t.Context(), id)
	require.Error(t, err)
	assert.Nil(t, found)
	assert.NotContains(t, err.Error(), "secret")
}

func TestRemoteKeysVerify(t *testing.T) {
	pair := edPair(t)
	i := newIssuer(t, keySet(remoteKey(t, "a", "EdDSA", pair)))
	text, err := jws.Sign(jwtKeys(t, strategies.JWTKey{ID: "a", Algorithm: "EdDSA", Key: pair}).Signing(), "JWT", []byte("{}"))
	require.NoError(t, err)
	m, err := jws.Parse(text)
	require.NoError(t, err)
	k, err := i.keys().Find(t.Context(), m.Header.KeyID)
	require.NoError(t, err)
	require.NotNil(t, k)
	assert.NoError(t, m.Verify(k))
	assert.False(t, k.CanSign())
}

func TestRemoteKeysAreAskedForOnce(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys()
	assert.Zero(t, i.asked.Load(), "nobody is asked before a token is there")
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			for range 10 {
				found, err := k.Find(context.Background(), "a")
				assert.NoError(t, err)
				assert.NotNil(t, found)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, i.asked.Load())
}

func TestRemoteKeysAreAskedForAgainWhenTheyAreOld(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys()
	finds(t, k, "a", true)
	i.serve(setOf(t, "b"))
	i.clock.Advance(10*time.Minute - 1)
	finds(t, k, "a", true)
	require.EqualValues(t, 1, i.asked.Load())
	i.clock.Advance(1)
	finds(t, k, "a", false)
	finds(t, k, "b", true)
	assert.EqualValues(t, 2, i.asked.Load())
}

func TestRemoteKeysThatAreOldDoNotWaitForTheCooldown(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys(func(o *strategies.RemoteKeysOptions) { o.MaxAge, o.Cooldown = 10*time.Second, time.Hour })
	finds(t, k, "a", true)
	i.serve(setOf(t, "b"))
	i.clock.Advance(10 * time.Second)
	finds(t, k, "a", false)
	assert.EqualValues(t, 2, i.asked.Load())
}

func TestRemoteKeysAskForAnUnknownKeyOnceInACooldown(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys()
	finds(t, k, "a", true)
	i.serve(setOf(t, "a", "b"))
	finds(t, k, "b", false)
	require.EqualValues(t, 1, i.asked.Load(), "the set is younger than the cooldown")
	i.clock.Advance(time.Minute)
	var group sync.WaitGroup
	for n := range 50 {
		group.Go(func() {
			found, err := k.Find(context.Background(), fmt.Sprintf("forged %d", n))
			assert.NoError(t, err)
			assert.Nil(t, found)
		})
		group.Go(func() {
			found, err := k.Find(context.Background(), "b")
			assert.NoError(t, err)
			assert.NotNil(t, found, "all wait for the answer")
		})
	}
	group.Wait()
	assert.EqualValues(t, 2, i.asked.Load())
}

// An attacker's kid does not turn into "no such key" while nobody can tell.
func TestRemoteKeysCannotTellWhenTheIssuerIsAway(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys()
	finds(t, k, "a", true)
	i.fail()
	i.clock.Advance(time.Minute)
	cannotTell(t, k, "b")
	cannotTell(t, k, "b")
	finds(t, k, "a", true)
	assert.EqualValues(t, 2, i.asked.Load(), "and the issuer has its peace")
	i.clock.Advance(time.Minute)
	cannotTell(t, k, "b")
	assert.EqualValues(t, 3, i.asked.Load())
	i.serve(setOf(t, "a"))
	i.clock.Advance(time.Minute)
	finds(t, k, "b", false)
}

func TestRemoteKeysServeAStaleSetWhileTheIssuerIsAway(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys()
	finds(t, k, "a", true)
	i.fail()
	i.clock.Advance(10 * time.Minute)
	finds(t, k, "a", true)
	finds(t, k, "a", true)
	assert.EqualValues(t, 2, i.asked.Load(), "the failure is remembered for a cooldown")
	assert.Contains(t, i.log.String(), "cannot be had")
	assert.NotContains(t, i.log.String(), "secret", "the query of the URL")
	i.clock.Advance(time.Minute)
	finds(t, k, "a", true)
	assert.EqualValues(t, 3, i.asked.Load())

	i.clock.Advance(59*time.Minute - 1)
	finds(t, k, "a", true)
	i.clock.Advance(1)
	cannotTell(t, k, "a")
	i.clock.Advance(5 * time.Second)
	cannotTell(t, k, "a")
	i.serve(setOf(t, "a"))
	i.clock.Advance(5 * time.Second)
	finds(t, k, "a", true)
}

// Without any keys nobody can log in, so the issuer is asked more often.
func TestRemoteKeysAskSoonAgainIfThereAreNone(t *testing.T) {
	i := newIssuer(t, "")
	i.fail()
	k := i.keys()
	for range 10 {
		cannotTell(t, k, "a")
	}
	require.EqualValues(t, 1, i.asked.Load())
	i.serve(setOf(t, "a"))
	i.clock.Advance(5*time.Second - 1)
	cannotTell(t, k, "a")
	i.clock.Advance(1)
	finds(t, k, "a", true)
	assert.EqualValues(t, 2, i.asked.Load())
}

func TestRemoteKeysRefresh(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	k := i.keys()
	require.NoError(t, k.Refresh(t.Context()))
	require.NoError(t, k.Refresh(t.Context()), "whenever it is called")
	assert.EqualValues(t, 2, i.asked.Load())
	finds(t, k, "a", true)
	assert.EqualValues(t, 2, i.asked.Load())
	i.fail()
	require.ErrorContains(t, k.Refresh(t.Context()), "status 503")
	finds(t, k, "a", true)
	i.Close()
	err := k.Refresh(t.Context())
	require.ErrorContains(t, err, "refused")
	assert.NotContains(t, err.Error(), "secret")
}

// The first request gives up; the answer is there for the second.
func TestRemoteKeysAreNotCancelledWithARequest(t *testing.T) {
	set, arrived, gate := setOf(t, "a"), make(chan struct{}), make(chan struct{})
	i := newIssuer(t, "")
	i.do(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-gate:
			_, _ = w.Write([]byte(set))
		case <-r.Context().Done():
			t.Error("the question was cancelled")
		}
	})
	k := i.keys(func(o *strategies.RemoteKeysOptions) { o.Timeout = time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	found, err := k.Find(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, found)
	require.True(t, k.Asking())
	close(gate)
	finds(t, k, "a", true)
	assert.False(t, k.Asking())
	assert.EqualValues(t, 1, i.asked.Load())
}

func TestRemoteKeysDoNotWaitForEver(t *testing.T) {
	i := newIssuer(t, "")
	gone := make(chan struct{})
	i.do(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(`{"keys":[`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	k := i.keys(func(o *strategies.RemoteKeysOptions) { o.Timeout = 20 * time.Millisecond })
	_, err := k.Find(t.Context(), "a")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	<-gone
	assert.False(t, k.Asking())
}

func TestRemoteKeysFollowNoRedirect(t *testing.T) {
	mordor := newIssuer(t, setOf(t, "a"))
	for name, target := range map[string]string{"to another server": mordor.URL, "to the same server": "/moved"} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, "")
			i.do(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved" {
					_, _ = w.Write([]byte(setOf(t, "a")))
					return
				}
				http.Redirect(w, r, target, http.StatusFound)
			})
			follows := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
			k := i.keys(func(o *strategies.RemoteKeysOptions) { o.Client = follows })
			assert.ErrorContains(t, k.Refresh(t.Context()), "status 302")
			assert.EqualValues(t, 1, i.asked.Load())
			assert.Zero(t, mordor.asked.Load())
		})
	}
}

func TestRemoteKeysRefuseAnswers(t *testing.T) {
	var many []string
	for n := range 101 {
		many = append(many, fmt.Sprintf(`{"kid":"%d"}`, n))
	}
	good := remoteKey(t, "a", "EdDSA", edPair(t))
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"nothing", "", 200},
		{"another status of success", keySet(good), 201},
		{"no content", "", 204},
		{"not found", keySet(good), 404},
		{"a fault", keySet(good), 500},
		{"HTML", "<html>", 200},
		{"a list", `[` + good + `]`, 200},
		{"one key", good, 200},
		{"null", `null`, 200},
		{"keys that are null", `{"keys":null}`, 200},
		{"keys that are an object", `{"keys":{}}`, 200},
		{"keys twice", `{"keys":[` + good + `],"keys":[` + good + `]}`, 200},
		{"Keys", `{"Keys":[` + good + `]}`, 200},
		{"keys further down", `{"a":` + keySet(good) + `}`, 200},
		{"two sets", keySet(good) + keySet(good), 200},
		{"half a set", `{"keys":[` + good, 200},
		{"101 keys", keySet(many...), 200},
		{"more than 256 KiB", keySet(good) + strings.Repeat(" ", 256<<10), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := newIssuer(t, setOf(t, "before"))
			k := i.keys()
			finds(t, k, "before", true)
			i.do(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			err := k.Refresh(t.Context())
			require.ErrorContains(t, err, "strategies: the keys of the issuer: ")
			finds(t, k, "before", true)
		})
	}
	t.Run("but 100 keys in 256 KiB", func(t *testing.T) {
		set := keySet(append(many[:99:99], good)...)
		i := newIssuer(t, set+strings.Repeat(" ", 256<<10-len(set)))
		finds(t, i.keys(), "a", true)
	})
}

func TestRemoteKeysLeaveOutWhatCannotBeUsed(t *testing.T) {
	ec, ed, r := ecPair(t), edPair(t), rsaPair()
	for _, c := range []struct{ name, key, says string }{
		{"a string", `"key"`, "no object"},
		{"null", `null`, "no object"},
		{"an empty object", `{}`, "not among"},
		{"a name twice", strings.Replace(remoteKey(t, "x", "EdDSA", ed), `{`, `{"kid":"y",`, 1), "twice"},
		{"a secret", `{"kty":"oct","alg":"HS256","kid":"x","k":"b25lIHJpbmcgdG8gcnVsZSB0aGVtIGFsbCwgb25lIDE"}`, "not among"},
		{"a key for encryption", remoteKey(t, "x", "RS256", &r.PublicKey, "use", "enc"), "use is not sig"},
		{"an algorithm for encryption", remoteKey(t, "x", "RS256", &r.PublicKey, "alg", "RSA-OAEP"), "not among"},
		{"an algorithm that is not allowed", remoteKey(t, "x", "PS256", &r.PublicKey), "not among"},
		{"a point off the curve", remoteKey(t, "x", "ES256", &ec.PublicKey, "y", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "no point"},
		{"a private key", remoteKey(t, "x", "EdDSA", ed, "d", seedOf(ed)), "private key"},
		{"a type of nobody", remoteKey(t, "x", "EdDSA", ed, "kty", "AKP"), "not among"},
		{"a kid that is no string", `{"kty":"OKP","kid":["x"]}`, "cannot unmarshal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := newIssuer(t, keySet(c.key, remoteKey(t, "a", "EdDSA", edPair(t))))
			k := i.keys()
			finds(t, k, "a", true)
			finds(t, k, "x", false)
			assert.Contains(t, i.log.String(), c.says)
			assert.Equal(t, 1, strings.Count(i.log.String(), "left out"))
			require.NoError(t, k.Refresh(t.Context()))
			assert.Equal(t, 1, strings.Count(i.log.String(), "left out"), "said once, as long as the set stays")
			assert.NotContains(t, i.log.String(), seedOf(ed))
			assert.NotContains(t, i.log.String(), "b25lIHJpbmc")
		})
	}
	t.Run("all of them", func(t *testing.T) {
		i := newIssuer(t, `{"keys":[]}`)
		finds(t, i.keys(), "a", false)
		assert.Contains(t, i.log.String(), "no key that can be used")
	})
}

func seedOf(key ed25519.PrivateKey) string { return base64.RawURLEncoding.EncodeToString(key.Seed()) }

func TestRemoteKeysGiveAKeyItsOnlyAlgorithm(t *testing.T) {
	i := newIssuer(t, keySet(
		remoteKey(t, "r", "RS256", &rsaPair().PublicKey, "alg", ""), remoteKey(t, "e", "ES256", &ecPair(t).PublicKey, "alg", ""),
		remoteKey(t, "o", "EdDSA", edPair(t), "alg", "", "use", ""),
	))
	k := i.keys()
	for id, want := range map[string]string{"r": "RS256", "e": "ES256", "o": "EdDSA"} {
		found, err := k.Find(t.Context(), id)
		require.NoError(t, err)
		require.NotNil(t, found, id)
		assert.Equal(t, want, found.Algorithm())
	}
	k = i.keys(func(o *strategies.RemoteKeysOptions) { o.Algorithms = []string{"RS256", "PS256"} })
	for _, id := range []string{"r", "e", "o"} {
		finds(t, k, id, false) // it could be two, or none
	}
}

func TestRemoteKeysWithOneIDAreNotUsed(t *testing.T) {
	one, two, three := remoteKey(t, "a", "EdDSA", edPair(t)), remoteKey(t, "a", "EdDSA", edPair(t)), remoteKey(t, "a", "ES256", &ecPair(t).PublicKey)
	i := newIssuer(t, keySet(one, remoteKey(t, "b", "EdDSA", edPair(t)), two, three))
	k := i.keys()
	finds(t, k, "a", false)
	finds(t, k, "b", true)
	assert.Contains(t, i.log.String(), "kid=a")
	i.serve(keySet(one, remoteKey(t, "a", "RS256", &rsaPair().PublicKey, "use", "enc")))
	require.NoError(t, k.Refresh(t.Context()))
	finds(t, k, "a", true) // the other is not for signatures
}

func TestRemoteKeysWithoutID(t *testing.T) {
	i := newIssuer(t, keySet(remoteKey(t, "", "EdDSA", edPair(t))))
	k := i.keys()
	finds(t, k, "", true)
	finds(t, k, "a", false)
	i.serve(setOf(t, "a"))
	require.NoError(t, k.Refresh(t.Context()))
	finds(t, k, "", true)
	i.serve(keySet(remoteKey(t, "", "EdDSA", edPair(t)), remoteKey(t, "a", "EdDSA", edPair(t))))
	require.NoError(t, k.Refresh(t.Context()))
	finds(t, k, "", false) // which of two is not said
	finds(t, k, "a", true)
	asked := i.asked.Load()
	for range 10 {
		finds(t, k, "", false)
	}
	assert.Equal(t, asked, i.asked.Load())
}

func TestRemoteKeysPrintWithoutTheURL(t *testing.T) {
	k := newIssuer(t, setOf(t, "a")).keys()
	finds(t, k, "a", true)
	raw, err := json.Marshal(map[string]any{"keys": k})
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %q", k, k, k, k, k), string(raw)} {
		assert.NotContains(t, text, "secret")
	}
}

func TestNewRemoteKeysRefusesWhatIsUnsafe(t *testing.T) {
	const url = "https://issuer.example/keys"
	eddsa := strategies.RemoteKeysOptions{Algorithms: []string{"EdDSA"}}
	assert.NotPanics(t, func() { strategies.NewRemoteKeys(url, eddsa) })
	for _, bad := range []string{
		"", "issuer.example/keys", "/keys", "//issuer.example/keys", "http://issuer.example/keys", "http://127.0.0.1/keys", "http://localhost/keys", "file:///etc/keys",
		"ftp://issuer.example/keys", "https://frodo:secret@issuer.example/keys", "https://issuer.example/keys#secret", "https://", "https://:443/keys", "https://a b/\x7f",
	} {
		said := panicOf(func() { strategies.NewRemoteKeys(bad, eddsa) })
		assert.Contains(t, said, "strategies: NewRemoteKeys: the URL", bad)
		assert.NotContains(t, said, "secret")
	}
	assert.Contains(t, panicOf(func() {
		strategies.NewRemoteKeys("ftp://issuer.example/keys", strategies.RemoteKeysOptions{Algorithms: []string{"EdDSA"}, InsecureHTTP: true})
	}), "not https")
	for _, algorithms := range [][]string{nil, {}, {"HS256"}, {"EdDSA", "HS512"}, {"none"}, {""}, {"eddsa"}} {
		assert.Contains(t, panicOf(func() { strategies.NewRemoteKeys(url, strategies.RemoteKeysOptions{Algorithms: algorithms}) }), "RemoteKeysOptions.Algorithms")
	}
	for _, d := range []time.Duration{-1, 101 * 365 * 24 * time.Hour} {
		for _, change := range []func(o *strategies.RemoteKeysOptions){
			func(o *strategies.RemoteKeysOptions) { o.MaxAge = d }, func(o *strategies.RemoteKeysOptions) { o.MaxStale = d },
			func(o *strategies.RemoteKeysOptions) { o.Cooldown = d }, func(o *strategies.RemoteKeysOptions) { o.Timeout = d },
		} {
			o := eddsa
			change(&o)
			assert.Contains(t, panicOf(func() { strategies.NewRemoteKeys(url, o) }), "durations")
		}
	}
}

func panicOf(f func()) (said string) {
	defer func() { said = fmt.Sprint(recover()) }()
	f()
	return ""
}

// What the caller does to the options afterwards changes nothing.
func TestRemoteKeysOptionsAreCopied(t *testing.T) {
	i := newIssuer(t, setOf(t, "a"))
	client, algorithms := &http.Client{}, []string{"EdDSA"}
	k := i.keys(func(o *strategies.RemoteKeysOptions) { o.Client, o.Algorithms = client, algorithms })
	algorithms[0] = "RS256"
	client.Transport = brokenWire{}
	finds(t, k, "a", true)
	assert.Nil(t, client.CheckRedirect)
}

type brokenWire struct{}

func (brokenWire) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no") }

func FuzzRemoteKeys(f *testing.F) {
	for _, seed := range []string{`{"keys":[]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}`, `{"keys":null,"keys":[]}`, `{"a":[{"keys":[]}],"keys":[1]}`, `[]`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kid":null}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ids, err := strategies.KeySetIDs(body)
		if err != nil {
			return
		}
		var set struct{ Keys []json.RawMessage }
		require.NoError(t, json.Unmarshal(body, &set))
		require.LessOrEqual(t, len(ids), min(len(set.Keys), 100))
	})
}
