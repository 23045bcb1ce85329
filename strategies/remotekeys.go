package strategies

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kahu-go/kahu/internal/jws"
)

// RemoteKeysOptions are the options of [NewRemoteKeys]. All but Algorithms may be zero.
type RemoteKeysOptions struct {
	// Algorithms are those that the issuer signs with, symmetric ones not. A key of the
	// issuer that does not say its algorithm gets the only one of these that its type has,
	// or is left out.
	Algorithms []string

	// MaxAge is how long a set of keys is used before it is asked for again; 0: 10 minutes.
	MaxAge time.Duration

	// MaxStale is for how long beyond that the keys are used while the issuer does not
	// answer; 0: 24 hours.
	MaxStale time.Duration

	// Cooldown is the time between two questions to the issuer, because of a kid that is
	// unknown, which anybody can send, or because it did not answer; 0: 1 minute. As long as
	// there are no keys at all it is 5 seconds at most.
	Cooldown time.Duration

	// Timeout bounds one question to the issuer; 0: 5 seconds.
	Timeout time.Duration

	// Client asks; nil: one of its own. It follows no redirects, whatever it says.
	Client *http.Client

	// InsecureHTTP allows a URL of http, this machine's included: who is on the way can
	// then answer with keys of their own.
	InsecureHTTP bool

	// Logger gets what is wrong with a set, and that the issuer did not answer; nil:
	// slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// RemoteKeys are the public keys of a foreign issuer, from its JWK Set (RFC 7517 section
// 5). They are asked for when a token needs them, and kept. Make them with
// [NewRemoteKeys]; they are for concurrent use.
type RemoteKeys struct {
	url string
	o   RemoteKeysOptions

	mu      sync.Mutex
	keys    map[string]*jws.Key // nil: never had any. It is replaced, not changed
	fetched time.Time           // when keys were asked for
	asked   time.Time           // when the issuer was asked last
	failure error               // what came of that
	flight  *flight             // the question that is out; nil: none

	sum [sha256.Size]byte // of the last set; the flight's
}

// A flight is one question to the issuer. All who need its answer wait for it.
type flight struct {
	done chan struct{}
	err  error // to be read when done is closed
}

// NewRemoteKeys asks nobody yet. It panics for a URL that is not https, has a user or a
// fragment, and for options that contradict each other.
func NewRemoteKeys(url string, o RemoteKeysOptions) *RemoteKeys {
	o.setDefaults()
	mustBeKeysURL(url, o.InsecureHTTP)
	return &RemoteKeys{url: url, o: o}
}

func (o *RemoteKeysOptions) setDefaults() {
	o.MaxAge = cmp.Or(o.MaxAge, 10*time.Minute)
	o.MaxStale = cmp.Or(o.MaxStale, 24*time.Hour)
	o.Cooldown = cmp.Or(o.Cooldown, time.Minute)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	var client http.Client
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client
	for _, d := range []time.Duration{o.MaxAge, o.MaxStale, o.Cooldown, o.Timeout} {
		if !sensible(d) {
			panic("strategies: RemoteKeysOptions: durations must be positive, and at most 100 years")
		}
	}
	o.mustHaveAlgorithms()
}

// mustHaveAlgorithms also takes a copy of them.
func (o *RemoteKeysOptions) mustHaveAlgorithms() {
	if len(o.Algorithms) == 0 {
		panic("strategies: RemoteKeysOptions.Algorithms: say what the issuer signs with")
	}
	o.Algorithms = append([]string(nil), o.Algorithms...)
	for _, name := range o.Algorithms {
		if !jws.Asymmetric(name) {
			panic(fmt.Sprintf("strategies: RemoteKeysOptions.Algorithms: %q has no public keys", name))
		}
	}
}

func mustBeKeysURL(text string, insecureHTTP bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		panic("strategies: NewRemoteKeys: the URL is not absolute, or has a user or a fragment")
	case u.Scheme == "http" && !insecureHTTP:
		panic("strategies: NewRemoteKeys: the URL is not https: who is on the way could answer with keys of their own")
	case u.Scheme != "http" && u.Scheme != "https":
		panic("strategies: NewRemoteKeys: the URL is not https")
	}
}

// Refresh asks the issuer now, or waits for the answer if somebody is asking. Call it at
// the start to find out early that the URL is wrong. The keys stay if it fails.
func (k *RemoteKeys) Refresh(ctx context.Context) error {
	k.mu.Lock()
	f := k.ask()
	k.mu.Unlock()
	return f.wait(ctx)
}

// String keeps the keys and the URL, which may have a secret in its query, out of logs.
func (k *RemoteKeys) String() string { return "remote JWT keys" }

// Format is String for every verb.
func (k *RemoteKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// find returns the key of an id, or nil if the issuer has none; "" is the id of its only
// key. An error says that this could not be found out.
func (k *RemoteKeys) find(ctx context.Context, id string) (*jws.Key, error) {
	key, f, err := k.look(id)
	if f == nil {
		return key, err
	}
	err = f.wait(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.known(id); key != nil && k.usable() {
		return key, nil // from before, if there is an error
	}
	return nil, err
}

// look returns what is known of an id, or the question whose answer to wait for.
func (k *RemoteKeys) look(id string) (*jws.Key, *flight, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, fresh := k.known(id), k.keys != nil && k.age() < k.o.MaxAge
	switch {
	case key != nil && fresh:
		return key, nil, nil
	case k.flight != nil || k.due(fresh):
		return nil, k.ask(), nil
	case key != nil && k.usable():
		return key, nil, nil
	}
	return nil, nil, k.failure
}

// due reports whether the issuer may be asked, since something has to be.
func (k *RemoteKeys) due(fresh bool) bool {
	since := k.o.Clock().Sub(k.asked)
	switch {
	case !fresh && k.failure == nil:
		return true
	case !k.usable():
		return since >= min(k.o.Cooldown, 5*time.Second)
	}
	return since >= k.o.Cooldown
}

// known returns the key of an id, however old it is.
func (k *RemoteKeys) known(id string) *jws.Key {
	if id == "" && len(k.keys) == 1 {
		for _, only := range k.keys {
			return only
		}
	}
	if id == "" {
		return nil
	}
	return k.keys[id]
}

func (k *RemoteKeys) age() time.Duration { return k.o.Clock().Sub(k.fetched) }

func (k *RemoteKeys) usable() bool { return k.keys != nil && k.age() < k.o.MaxAge+k.o.MaxStale }

// ask sends one question for all who want the answer. It is not the request's that came
// first, which may be cancelled, and ends by itself.
func (k *RemoteKeys) ask() *flight {
	if k.flight == nil {
		k.flight = &flight{done: make(chan struct{})}
		k.asked = k.o.Clock()
		go k.fly(k.flight, k.asked)
	}
	return k.flight
}

func (k *RemoteKeys) fly(f *flight, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), k.o.Timeout)
	defer cancel()
	var set *remoteKeySet
	body, err := k.fetch(ctx)
	if err == nil {
		set, err = parseKeySet(body, k.o.Algorithms)
	}
	if err != nil {
		err = fmt.Errorf("strategies: the keys of the issuer: %w", err)
	}
	k.complain(ctx, set, err)
	k.land(f, set, now, err)
}

// complain logs what went wrong; what is wrong with a set once, as long as it stays. There
// is one flight at a time.
func (k *RemoteKeys) complain(ctx context.Context, set *remoteKeySet, err error) {
	switch {
	case err != nil:
		k.o.Logger.WarnContext(ctx, "the keys of a JWT issuer cannot be had", "error", err)
	case set.sum != k.sum:
		k.sum = set.sum
		set.complain(ctx, k.o.Logger)
	}
}

// land gives the answer to all who wait.
func (k *RemoteKeys) land(f *flight, set *remoteKeySet, now time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flight, k.failure, f.err = nil, err, err
	if err == nil {
		k.keys, k.fetched = set.keys, now
	}
	close(f.done)
}

// wait returns the error of the answer, or that ctx is over before it came.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("strategies: the keys of the issuer: %w", ctx.Err())
	}
}

// maxKeySet is how many bytes a set may have.
const maxKeySet = 256 << 10

func (k *RemoteKeys) fetch(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	w, err := k.o.Client.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL, which may have a secret in its query
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Body.Close() }()
	if w.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered with status %d", w.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(w.Body, maxKeySet+1))
	if err == nil && len(body) > maxKeySet {
		err = errors.New("the set is longer than 256 KiB")
	}
	return body, err
}
