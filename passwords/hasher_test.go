package passwords_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/passwords"
)

// kind is a kind of hasher, at a cost for tests. What follows is what each of them promises.
type kind struct {
	hasher   func(gate *passwords.Gate, observe func(cost int)) passwords.Hasher
	cost     int                                   // what observe is told of one hash
	work     func(cost int) int                    // what the time of such a hash is proportional to
	cheaper  func() passwords.Hasher               // of the same kind, as it was configured years ago
	limit    int                                   // bytes of a password
	unusable func(stored string) map[string]string // what may not be computed
}

// counted returns a hasher of this kind, and the costs of the hashes it computed since the last look.
func (k kind) counted() (passwords.Hasher, func() []int) {
	var costs []int
	return k.hasher(nil, func(c int) { costs = append(costs, c) }), func() []int {
		seen := costs
		costs = nil
		return seen
	}
}

func hash(t *testing.T, h passwords.Hasher, password string) string {
	t.Helper()
	text, err := h.Hash(t.Context(), password)
	require.NoError(t, err)
	return text
}

func (k kind) matchesTheExactPassword(t *testing.T) {
	h, _ := k.counted()
	exact := map[string]string{
		"ascii":         "precious-ring-1954",
		"spaces around": "  a ring  ",
		"64 letters":    strings.Repeat("mellon! ", 8),
		"the limit":     strings.Repeat("x", k.limit),
		"Unicode":       "Ñandú 指輪 💍 ñ",
		"one space":     " ",
		"invalid UTF-8": "ring\xff\xfe",
		"empty":         "",
		"line break":    "one\r\ntwo",
	}
	for name, password := range exact {
		t.Run(name, func(t *testing.T) {
			text := hash(t, h, password)
			assert.NoError(t, h.Verify(t.Context(), text, password))
			for _, other := range []string{password + " ", " " + password, password + "x", strings.TrimSpace(password) + "!", password + "\x00", "\x00" + password} {
				assert.ErrorIs(t, h.Verify(t.Context(), text, other), passwords.ErrMismatch, "%q", other)
			}
		})
	}
	for name, pair := range map[string][2]string{
		"case":                     {"Mellon", "mellon"},
		"composed or decomposed":   {"\u00e9", "e\u0301"},
		"two invalid bytes":        {"ring\xff", "ring\xfe"},
		"invalid or its rendering": {"ring\xff", "ring\ufffd"},
		"the last byte":            {strings.Repeat("x", k.limit), strings.Repeat("x", k.limit-1) + "y"},
	} {
		t.Run("differs by "+name, func(t *testing.T) {
			assert.ErrorIs(t, h.Verify(t.Context(), hash(t, h, pair[0]), pair[1]), passwords.ErrMismatch)
		})
	}
}

func (k kind) refusesWhatItCannotTellApart(t *testing.T) {
	h, computed := k.counted()
	for name, c := range map[string]struct {
		password string
		want     error
	}{
		"a byte above the limit": {strings.Repeat("x", k.limit+1), passwords.ErrTooLong},
		"letters of two bytes":   {strings.Repeat("é", k.limit/2+1), passwords.ErrTooLong},
		"a megabyte":             {strings.Repeat("x", 1<<20), passwords.ErrTooLong},
		"NUL at the end":         {"ring\x00", passwords.ErrNUL},
		"NUL at the start":       {"\x00ring", passwords.ErrNUL},
		"NUL and itself":         {"ring\x00ring", passwords.ErrNUL},
		"nothing but a NUL":      {"\x00", passwords.ErrNUL},
		"too long, with NUL":     {strings.Repeat("\x00", k.limit+1), passwords.ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := h.Hash(t.Context(), c.password)
			assert.ErrorIs(t, err, c.want)
			assert.Empty(t, text)
		})
	}
	assert.Empty(t, computed())
}

// No class of login can be told from another by its time: each computes one hash, at the configured cost.
func (k kind) verifyComputesOneHashInEveryClass(t *testing.T) {
	type class struct {
		hash, password string
		want           error
	}
	h, computed := k.counted()
	stored := hash(t, h, "precious-ring-1954")
	classes := map[string]class{
		"the right password":      {stored, "precious-ring-1954", nil},
		"a wrong one":             {stored, "precious", passwords.ErrMismatch},
		"an empty one":            {stored, "", passwords.ErrMismatch},
		"no user or no hash":      {"", "precious-ring-1954", passwords.ErrMismatch},
		"no user and no password": {"", "", passwords.ErrMismatch},
		"too long":                {stored, strings.Repeat("x", k.limit+1), passwords.ErrMismatch},
		"a megabyte":              {stored, strings.Repeat("x", 1<<20), passwords.ErrMismatch},
		"too long for no user":    {"", strings.Repeat("x", k.limit+1), passwords.ErrMismatch},
		"NUL":                     {stored, "precious-ring-1954\x00", passwords.ErrMismatch},
		"a malformed hash":        {"precious", "precious", passwords.ErrUnusableHash},
		"a hash and a tail":       {stored + "\n", "precious-ring-1954", passwords.ErrUnusableHash},
		"a hash cut short":        {stored[:len(stored)-30], "precious-ring-1954", passwords.ErrUnusableHash},
		"an unknown kind":         {"$1$precious$rasmuslerdorf", "precious", passwords.ErrUnusableHash},
	}
	for name, text := range k.unusable(stored) {
		classes[name] = class{text, "precious-ring-1954", passwords.ErrUnusableHash}
		classes[name+", NUL"] = class{text, "\x00", passwords.ErrUnusableHash}
	}
	for name, c := range classes {
		t.Run(name, func(t *testing.T) {
			computed()
			err := h.Verify(t.Context(), c.hash, c.password)
			assert.ErrorIs(t, err, c.want)
			assert.Equal(t, []int{k.cost}, computed())
			if c.want != nil {
				assert.ErrorIs(t, err, passwords.ErrMismatch)
			}
		})
	}
}

func (k kind) oldHashes(t *testing.T) {
	h, computed := k.counted()
	stored := hash(t, k.cheaper(), "precious-ring-1954")

	require.NoError(t, h.Verify(t.Context(), stored, "precious-ring-1954"))
	costs := computed()
	require.Len(t, costs, 1)
	assert.Less(t, costs[0], k.cost)
	assert.True(t, h.NeedsRehash(stored))
	assert.False(t, k.cheaper().NeedsRehash(stored))
	assert.False(t, k.cheaper().NeedsRehash(hash(t, h, "precious-ring-1954")), "dearer than configured")
	assert.False(t, h.NeedsRehash(hash(t, h, "precious-ring-1954")))

	computed()
	require.ErrorIs(t, h.Verify(t.Context(), stored, "precious"), passwords.ErrMismatch)
	work := 0
	for _, cost := range computed() {
		work += k.work(cost)
	}
	assert.Equal(t, k.work(k.cost), work, "a wrong password costs as much as for a new hash")
}

func (k kind) errorsHoldNoHash(t *testing.T) {
	h, _ := k.counted()
	stored := hash(t, h, "mellon")
	all := k.unusable(stored)
	all["with a tail"], all["none"] = stored+"tail", "mellon"
	for name, text := range all {
		err := h.Verify(t.Context(), text, "mellon")
		require.ErrorIs(t, err, passwords.ErrUnusableHash, name)
		assert.NotContains(t, err.Error(), "mellon")
		assert.NotContains(t, err.Error(), "$")
		assert.NotContains(t, err.Error(), text)
	}
}

func (k kind) isBusyWhenItsGateIsFull(t *testing.T) {
	gate, costs := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1}), 0
	h := k.hasher(gate, func(int) { costs++ })
	require.NoError(t, gate.Do(t.Context(), func() { // here one works …
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error)
		go func() { waits <- h.Verify(ctx, "", "mellon") }() // … and one waits
		for gate.Taken() < 2 {
			runtime.Gosched()
		}
		_, err := h.Hash(t.Context(), "mellon")
		assert.ErrorIs(t, err, passwords.ErrBusy)
		err = h.Verify(t.Context(), "", "mellon")
		assert.ErrorIs(t, err, passwords.ErrBusy)
		assert.NotErrorIs(t, err, passwords.ErrMismatch)
		cancel()
		err = <-waits
		assert.ErrorIs(t, err, context.Canceled)
		assert.NotErrorIs(t, err, passwords.ErrMismatch)
	}))
	assert.Zero(t, costs)
}
