package kahu_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
)

var securityOfPasswords = []claim{
	{"cost of bcrypt, the default | 12; 10 to 16 can be chosen", bcryptCosts},
	{"19,456 KiB of memory, 2 passes, 1 thread; less is refused", argon2Cost},
	{"bcrypt above cost 16; argon2 above 256 MiB of memory, 2 GiB in all passes or 64 threads; scrypt above 256 MiB", dearestHashes},
	{"72 bytes with bcrypt, 1,024 bytes with argon2id", longestPasswords},
	{"`PolicyOptions.MaxBytes`, at least 64 bytes", func(t *testing.T, n int) {
		least(t, n, func(n int) { passwords.NewPolicy(passwords.PolicyOptions{MaxBytes: n}) })
	}},
	{"15 characters; 8 can be chosen", func(t *testing.T, usual, shortest int) {
		assert.Equal(t, usual, passwords.NewPolicy(passwords.PolicyOptions{}).MinLength())
		least(t, shortest, func(n int) { passwords.NewPolicy(passwords.PolicyOptions{MinLength: n}) })
	}},
	{"because many people have them | 11,611", commonPasswords},
	{"32 for each of those", queueOfHashes},
	{"each hash in a thread of its own: one at nice 10, those beside it at SCHED_IDLE", niceness},
	{"reads the account again before it succeeds | 1 second", patienceOfALogin},
	{"503 with `Retry-After: 1`, alike for every account", fullQueueOfHashes},
}

func bcryptCosts(t *testing.T, usual, cheapest, dearest int) {
	hash, err := passwords.NewBcrypt(passwords.BcryptOptions{}).Hash(t.Context(), innPassword)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(hash, fmt.Sprintf("$2a$%d$", usual)), hash)
	build := func(cost int) { passwords.NewBcrypt(passwords.BcryptOptions{Cost: cost}) }
	least(t, cheapest, build)
	most(t, dearest, build)
}

func argon2Cost(t *testing.T, memory, passes, threads int) {
	hash, err := passwords.NewArgon2id(passwords.Argon2idOptions{}).Hash(t.Context(), innPassword)
	require.NoError(t, err)
	assert.Contains(t, hash, fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$", memory>>10, passes, threads))
	least(t, memory>>10, func(n int) { passwords.NewArgon2id(passwords.Argon2idOptions{Memory: n}) })
	least(t, passes, func(n int) { passwords.NewArgon2id(passwords.Argon2idOptions{Memory: memory >> 10, Time: n}) })
}

// dearestHashes asks with a password that no hash is of, so that nothing dear is computed.
func dearestHashes(t *testing.T, cost, memory, all, threads, scryptMemory int) {
	salt, key := base64.RawStdEncoding.EncodeToString(make([]byte, 16)), base64.RawStdEncoding.EncodeToString(make([]byte, 64))
	usable := func(v passwords.Verifier, format string, n int) bool {
		err := v.Verify(t.Context(), fmt.Sprintf(format, n), "\x00")
		require.ErrorIs(t, err, passwords.ErrMismatch)
		return !errors.Is(err, passwords.ErrUnusableHash)
	}
	argon2 := passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 8})
	for _, c := range []struct {
		v      passwords.Verifier
		format string
		most   int
	}{
		{quick(), "$2a$%02d$" + strings.Repeat("a", 53), cost},
		{argon2, "$argon2id$v=19$m=%d,t=1,p=1$" + salt + "$" + key, memory >> 10},
		{argon2, "$argon2id$v=19$m=65536,t=%d,p=1$" + salt + "$" + key, (all >> 10) / 65536},
		{argon2, "$argon2id$v=19$m=65536,t=1,p=%d$" + salt + "$" + key, threads},
		{passwords.NewScrypt(passwords.ScryptOptions{}), "$scrypt$n=262144,r=%d,p=1$" + salt + "$" + key, scryptMemory / (128 * 262144)},
	} {
		assert.True(t, usable(c.v, c.format, c.most), c.format)
		assert.False(t, usable(c.v, c.format, c.most+1), c.format)
	}
}

func longestPasswords(t *testing.T, bcrypt, argon2 int) {
	for _, c := range []struct {
		hasher passwords.Hasher
		most   int
	}{{quick(), bcrypt}, {passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 8}), argon2}} {
		_, err := c.hasher.Hash(t.Context(), strings.Repeat("a", c.most))
		assert.NoError(t, err)
		_, err = c.hasher.Hash(t.Context(), strings.Repeat("a", c.most+1))
		assert.ErrorIs(t, err, passwords.ErrTooLong)
	}
}

func commonPasswords(t *testing.T, n int) {
	list, err := os.ReadFile("passwords/common.txt")
	require.NoError(t, err)
	all := strings.Fields(string(list))
	assert.Len(t, all, n)
	policy := passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8})
	for _, common := range []string{all[0], all[n/2], all[n-1]} {
		assert.ErrorIs(t, policy.Check(common), passwords.ErrCommon, common)
	}
}

// fill has as many wait at a gate as may, until open is closed.
func fill(t *testing.T, gate *passwords.Gate, concurrent, queue int, open <-chan struct{}) {
	t.Helper()
	for range concurrent + queue {
		go func() { assert.NoError(t, gate.Do(t.Context(), func() { <-open })) }()
	}
	synctest.Wait()
}

func queueOfHashes(t *testing.T, each int) {
	const concurrent = 3
	for _, room := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			gate, open := passwords.NewGate(passwords.GateOptions{Concurrent: concurrent, InsecurePriority: true}), make(chan struct{})
			fill(t, gate, concurrent, concurrent*each-room, open)
			ctx, cancel := context.WithCancel(t.Context())
			last := make(chan error, 1)
			go func() { last <- gate.Do(ctx, func() {}) }()
			synctest.Wait()
			cancel()
			assert.Equal(t, room == 0, errors.Is(<-last, passwords.ErrBusy))
			close(open)
			synctest.Wait()
		})
	}
}

func niceness(t *testing.T, nice int) {
	if runtime.GOOS != "linux" {
		return
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	before, gate := runtime.GOMAXPROCS(0), passwords.NewGate(passwords.GateOptions{Concurrent: 2})
	var first, beside, again []string
	require.NoError(t, gate.Do(t.Context(), func() {
		first = threadStat(t)
		require.NoError(t, gate.Do(t.Context(), func() { beside = threadStat(t) }))
	}))
	require.NoError(t, gate.Do(t.Context(), func() { again = threadStat(t) }))
	const policy, niceness = 41 - 3, 19 - 3 // proc(5)
	assert.Equal(t, fmt.Sprint(nice), first[niceness])
	assert.Equal(t, "0", first[policy], "SCHED_OTHER")
	assert.Equal(t, "5", beside[policy], "SCHED_IDLE")
	assert.Equal(t, "0", again[policy])
	assert.Equal(t, before+2, runtime.GOMAXPROCS(0))
}

// threadStat are the fields of the calling thread, from the third.
func threadStat(t *testing.T) []string {
	stat, err := os.ReadFile("/proc/thread-self/stat")
	assert.NoError(t, err)
	return strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
}

func patienceOfALogin(t *testing.T, d time.Duration) {
	for _, c := range []struct {
		takes time.Duration
		reads int
	}{{d, 1}, {d + time.Microsecond, 2}} {
		clock, reads, hasher := reviewClock(), 0, quick()
		hash, err := hasher.Hash(t.Context(), innPassword)
		require.NoError(t, err)
		l := strategies.NewLocal(func(context.Context, string) (*reviewed, string, error) {
			reads++
			clock.Advance(c.takes)
			return ringbearer, hash, nil
		}, strategies.LocalOptions{Hasher: hasher, Clock: clock.Now})
		assert.Zero(t, knock(t, l, "frodo", innPassword, ""))
		assert.Equal(t, c.reads, reads)
	}
}

func fullQueueOfHashes(t *testing.T, status, seconds int) {
	synctest.Test(t, func(t *testing.T) {
		gate, open := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1, InsecurePriority: true}), make(chan struct{})
		fill(t, gate, 1, 1, open)
		hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: gate})
		for _, name := range []string{"frodo", "sam"} {
			l := strategies.NewLocal(func(_ context.Context, name string) (*reviewed, string, error) { return &reviewed{name}, "", nil }, strategies.LocalOptions{Hasher: hasher})
			_, err := l.Verify(t.Context(), strategies.Credentials{Name: name, Password: "guess"})
			e, ok := errors.AsType[*app.Error](err)
			require.True(t, ok)
			assert.Equal(t, status, e.Status)
			assert.Equal(t, []string{fmt.Sprint(seconds)}, e.Header["Retry-After"])
		}
		close(open)
		synctest.Wait()
	})
}
