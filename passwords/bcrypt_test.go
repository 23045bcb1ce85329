package passwords_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/kahu-go/kahu/passwords"
)

// counted returns a hasher of the given low cost, and the costs of the hashes it computed since the last look.
func counted(cost int) (*passwords.Bcrypt, func() []int) {
	var costs []int
	b := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: cost, Observe: func(c int) { costs = append(costs, c) }})
	return b, func() []int {
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

func TestBcryptMatchesTheExactPassword(t *testing.T) {
	b, _ := counted(4)
	exact := map[string]string{
		"ascii":         "precious-ring-1954",
		"spaces around": "  a ring  ",
		"64 letters":    strings.Repeat("mellon! ", 8),
		"72 bytes":      strings.Repeat("x", 72),
		"Unicode":       "Ñandú 指輪 💍 ñ",
		"one space":     " ",
		"invalid UTF-8": "ring\xff\xfe",
		"empty":         "",
		"line break":    "one\r\ntwo",
	}
	for name, password := range exact {
		t.Run(name, func(t *testing.T) {
			text := hash(t, b, password)
			assert.NoError(t, b.Verify(t.Context(), text, password))
			for _, other := range []string{password + " ", " " + password, password + "x", strings.TrimSpace(password) + "!", password + "\x00", "\x00" + password} {
				assert.ErrorIs(t, b.Verify(t.Context(), text, other), passwords.ErrMismatch, "%q", other)
			}
		})
	}
	for name, pair := range map[string][2]string{
		"case":                     {"Mellon", "mellon"},
		"composed or decomposed":   {"\u00e9", "e\u0301"},
		"two invalid bytes":        {"ring\xff", "ring\xfe"},
		"invalid or its rendering": {"ring\xff", "ring\ufffd"},
	} {
		t.Run("differs by "+name, func(t *testing.T) {
			assert.ErrorIs(t, b.Verify(t.Context(), hash(t, b, pair[0]), pair[1]), passwords.ErrMismatch)
		})
	}
}

func TestBcryptHashRefusesWhatItCannotTellApart(t *testing.T) {
	b, computed := counted(4)
	for name, c := range map[string]struct {
		password string
		want     error
	}{
		"73 bytes":           {strings.Repeat("x", 73), passwords.ErrTooLong},
		"37 letters of two":  {strings.Repeat("é", 37), passwords.ErrTooLong},
		"a megabyte":         {strings.Repeat("x", 1<<20), passwords.ErrTooLong},
		"NUL at the end":     {"ring\x00", passwords.ErrNUL},
		"NUL at the start":   {"\x00ring", passwords.ErrNUL},
		"NUL and itself":     {"ring\x00ring", passwords.ErrNUL},
		"nothing but a NUL":  {"\x00", passwords.ErrNUL},
		"too long, with NUL": {strings.Repeat("\x00", 73), passwords.ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := b.Hash(t.Context(), c.password)
			assert.ErrorIs(t, err, c.want)
			assert.Empty(t, text)
		})
	}
	assert.Empty(t, computed())
}

// Verify must not believe bcrypt where it is blind: each of these pairs is one password to it.
func TestBcryptVerifyRefusesWhatItCannotTellApart(t *testing.T) {
	b, computed := counted(5)
	for name, pair := range map[string][2]string{
		"72 bytes and a tail": {strings.Repeat("x", 72), strings.Repeat("x", 72) + "y"},
		"a NUL between":       {"ring", "ring\x00ring"},
	} {
		t.Run(name, func(t *testing.T) {
			text := hash(t, b, pair[0])
			require.NoError(t, bcrypt.CompareHashAndPassword([]byte(text), []byte(pair[1])), "bcrypt itself is blind here")
			computed()
			assert.ErrorIs(t, b.Verify(t.Context(), text, pair[1]), passwords.ErrMismatch)
			assert.Equal(t, []int{5}, computed())
		})
	}
}

// No class of login can be told from another by its time: each computes one hash, at the configured cost.
func TestBcryptVerifyComputesOneHashInEveryClass(t *testing.T) {
	b, computed := counted(6)
	stored := hash(t, b, "precious-ring-1954")
	for name, c := range map[string]struct {
		hash, password string
		want           error
	}{
		"the right password":              {stored, "precious-ring-1954", nil},
		"a wrong one":                     {stored, "precious", passwords.ErrMismatch},
		"an empty one":                    {stored, "", passwords.ErrMismatch},
		"no user or no hash":              {"", "precious-ring-1954", passwords.ErrMismatch},
		"no user and no password":         {"", "", passwords.ErrMismatch},
		"too long":                        {stored, strings.Repeat("x", 73), passwords.ErrMismatch},
		"a megabyte":                      {stored, strings.Repeat("x", 1<<20), passwords.ErrMismatch},
		"too long for no user":            {"", strings.Repeat("x", 73), passwords.ErrMismatch},
		"NUL":                             {stored, "precious-ring-1954\x00", passwords.ErrMismatch},
		"a malformed hash":                {"precious", "precious", passwords.ErrUnusableHash},
		"a hash too costly":               {withCost(stored, "31"), "precious-ring-1954", passwords.ErrUnusableHash},
		"a hash too costly, NUL":          {withCost(stored, "31"), "\x00", passwords.ErrUnusableHash},
		"a hash just above what is sane":  {withCost(stored, "17"), "precious-ring-1954", passwords.ErrUnusableHash},
		"a hash cheaper than bcrypt goes": {withCost(stored, "03"), "precious-ring-1954", passwords.ErrUnusableHash},
	} {
		t.Run(name, func(t *testing.T) {
			computed()
			err := b.Verify(t.Context(), c.hash, c.password)
			assert.ErrorIs(t, err, c.want)
			assert.Equal(t, []int{6}, computed())
			if c.want != nil {
				assert.ErrorIs(t, err, passwords.ErrMismatch)
			}
		})
	}
}

func withCost(hash, cost string) string { return hash[:4] + cost + hash[6:] }

func TestBcryptDecoyIsComputedAtTheConfiguredCost(t *testing.T) {
	b, _ := counted(7)
	cost, err := bcrypt.Cost([]byte(b.Decoy()))
	require.NoError(t, err)
	assert.Equal(t, 7, cost)
	assert.ErrorIs(t, bcrypt.CompareHashAndPassword([]byte(b.Decoy()), []byte("x")), bcrypt.ErrMismatchedHashAndPassword,
		"any other error would mean that nothing was computed")
	other, _ := counted(7)
	assert.NotEqual(t, b.Decoy(), other.Decoy())
}

func TestBcryptOldHashes(t *testing.T) {
	old, _ := counted(4)
	b, computed := counted(6)
	stored := hash(t, old, "precious-ring-1954")

	require.NoError(t, b.Verify(t.Context(), stored, "precious-ring-1954"))
	assert.Equal(t, []int{4}, computed())
	assert.True(t, b.NeedsRehash(stored))

	require.ErrorIs(t, b.Verify(t.Context(), stored, "precious"), passwords.ErrMismatch)
	rounds := 0
	for _, cost := range computed() {
		rounds += 1 << cost
	}
	assert.Equal(t, 1<<6, rounds, "a wrong password costs as much as for a new hash")
}

// A hash of a higher cost than configured cannot be made cheaper: what it costs is told in the documentation of Verify.
func TestBcryptDearerHashesTakeTheirOwnTime(t *testing.T) {
	dear, _ := counted(7)
	b, computed := counted(6)
	stored := hash(t, dear, "precious-ring-1954")
	require.NoError(t, b.Verify(t.Context(), stored, "precious-ring-1954"))
	require.ErrorIs(t, b.Verify(t.Context(), stored, "precious"), passwords.ErrMismatch)
	assert.Equal(t, []int{7, 7}, computed())
}

func TestBcryptNeedsRehash(t *testing.T) {
	b, _ := counted(6)
	stored := hash(t, b, "precious-ring-1954")
	for text, want := range map[string]bool{
		stored:                 false,
		withCost(stored, "05"): true,
		withCost(stored, "07"): false,
		withCost(stored, "16"): false,
		withCost(stored, "17"): true,
		"":                     true,
		"precious":             true,
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA": true,
	} {
		assert.Equal(t, want, b.NeedsRehash(text), "%q", text)
	}
}

func TestBcryptChecksHashesOfOtherPrograms(t *testing.T) {
	b, _ := counted(4)
	for name, c := range map[string][2]string{
		"crypt_blowfish": {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		"libxcrypt":      {"$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq", "rasmuslerdorf"},
		"node":           {strings.Replace(hash(t, b, "mellon"), "$2a$", "$2b$", 1), "mellon"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.NoError(t, b.Verify(t.Context(), c[0], c[1]))
			assert.ErrorIs(t, b.Verify(t.Context(), c[0], c[1]+"!"), passwords.ErrMismatch)
		})
	}
}

func TestBcryptErrorsHoldNoHash(t *testing.T) {
	b, _ := counted(4)
	for _, stored := range []string{withCost(hash(t, b, "mellon"), "31"), hash(t, b, "mellon") + "tail", "mellon"} {
		err := b.Verify(t.Context(), stored, "mellon")
		require.ErrorIs(t, err, passwords.ErrUnusableHash)
		assert.NotContains(t, err.Error(), stored)
		assert.NotContains(t, err.Error(), "mellon")
		assert.NotContains(t, err.Error(), "$2a$")
	}
}

func TestBcryptIsBusyWhenItsGateIsFull(t *testing.T) {
	gate, costs := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1}), 0
	b := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: gate, Observe: func(int) { costs++ }})
	require.NoError(t, gate.Do(t.Context(), func() { // here one works …
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error)
		go func() { waits <- b.Verify(ctx, "", "mellon") }() // … and one waits
		for gate.Taken() < 2 {
			runtime.Gosched()
		}
		_, err := b.Hash(t.Context(), "mellon")
		assert.ErrorIs(t, err, passwords.ErrBusy)
		err = b.Verify(t.Context(), "", "mellon")
		assert.ErrorIs(t, err, passwords.ErrBusy)
		assert.NotErrorIs(t, err, passwords.ErrMismatch)
		cancel()
		err = <-waits
		assert.ErrorIs(t, err, context.Canceled)
		assert.NotErrorIs(t, err, passwords.ErrMismatch)
	}))
	assert.Zero(t, costs)
}

func TestBcryptHashersShareAGateUnlessToldOtherwise(t *testing.T) {
	one, _ := counted(4)
	two, _ := counted(5)
	assert.Same(t, one.Gate(), two.Gate())
	own := passwords.NewGate(passwords.GateOptions{})
	assert.Same(t, own, passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: own}).Gate())
}

func TestBcryptCost(t *testing.T) {
	for name, c := range map[string]struct {
		options passwords.BcryptOptions
		want    string
	}{
		"default":            {passwords.BcryptOptions{}, "12"},
		"lowest":             {passwords.BcryptOptions{Cost: 10}, "10"},
		"highest":            {passwords.BcryptOptions{Cost: 16}, "16"},
		"for tests, lowest":  {passwords.BcryptOptions{InsecureCost: 4}, "04"},
		"for tests, highest": {passwords.BcryptOptions{InsecureCost: 9}, "09"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "$2a$"+c.want+"$", passwords.NewBcrypt(c.options).Decoy()[:7])
		})
	}
	for name, o := range map[string]passwords.BcryptOptions{
		"below OWASP's":       {Cost: 9},
		"negative":            {Cost: -1},
		"above what is sane":  {Cost: 17},
		"overflow":            {Cost: 1 << 40},
		"both":                {Cost: 12, InsecureCost: 4},
		"below bcrypt's own":  {InsecureCost: 3},
		"insecure, negative":  {InsecureCost: -4},
		"insecure, but is it": {InsecureCost: 10},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			assert.Panics(t, func() { passwords.NewBcrypt(o) })
		})
	}
}

func FuzzBcryptVerify(f *testing.F) {
	const good = "$2a$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	for _, seed := range []string{"", good, withCost(good, "31"), withCost(good, "16"), withCost(good, "-1"), good + "\n", good[:59], good + "x",
		"$2$04$", "$2x$" + good[4:], "$2a$4$" + good[7:], strings.Replace(good, "C", "=", 1), strings.Replace(good, "C", "\x00", 1), "$2a$04$" + strings.Repeat("é", 30)} {
		f.Add(seed, "U*U")
		f.Add(seed, "U*U\x00")
	}
	f.Fuzz(func(t *testing.T, stored, password string) {
		if cost, err := bcrypt.Cost([]byte(stored)); err == nil && cost > 6 && cost <= 16 {
			return // allowed, but too slow to try
		}
		b := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Observe: func(cost int) {
			require.LessOrEqual(t, cost, 16)
		}})
		require.ErrorIs(t, b.Verify(t.Context(), stored, password), passwords.ErrMismatch)
	})
}
