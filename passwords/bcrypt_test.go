package passwords_test

import (
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

var bcryptKind = kind{
	hasher: func(gate *passwords.Gate, observe func(int)) passwords.Hasher {
		return passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 5, Gate: gate, Observe: observe})
	},
	cost:    5,
	work:    func(cost int) int { return 1 << cost },
	cheaper: func() passwords.Hasher { return passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4}) },
	limit:   72,
	unusable: func(stored string) map[string]string {
		return map[string]string{
			"a hash too costly":                 withCost(stored, "31"),
			"a hash just above what is sane":    withCost(stored, "17"),
			"a hash cheaper than bcrypt goes":   withCost(stored, "03"),
			"a hash of AdonisJS, too costly":    "$bcrypt$v=98$r=17$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc",
			"a hash of AdonisJS, bits too many": "$bcrypt$v=98$r=4$PKodBJXR+0LP5UmEtIRz1x$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc",
			"a hash of AdonisJS, digest bits":   "$bcrypt$v=98$r=4$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKd",
			"a hash of AdonisJS, of version x":  "$bcrypt$v=120$r=4$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc",
			"a hash of AdonisJS, long salt":     "$bcrypt$v=98$r=4$PKodBJXR+0LP5UmEtIRz1wAA$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc",
		}
	},
}

func TestBcryptMatchesTheExactPassword(t *testing.T) { bcryptKind.matchesTheExactPassword(t) }
func TestBcryptHashRefusesWhatItCannotTellApart(t *testing.T) {
	bcryptKind.refusesWhatItCannotTellApart(t)
}
func TestBcryptVerifyComputesOneHashInEveryClass(t *testing.T) {
	bcryptKind.verifyComputesOneHashInEveryClass(t)
}
func TestBcryptOldHashes(t *testing.T)               { bcryptKind.oldHashes(t) }
func TestBcryptErrorsHoldNoHash(t *testing.T)        { bcryptKind.errorsHoldNoHash(t) }
func TestBcryptIsBusyWhenItsGateIsFull(t *testing.T) { bcryptKind.isBusyWhenItsGateIsFull(t) }

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
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA":                            true,
		"$bcrypt$v=98$r=6$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc": true, // matches, but is not as Hash writes it
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
		"$2$04$", "$2x$" + good[4:], "$2a$4$" + good[7:], strings.Replace(good, "C", "=", 1), strings.Replace(good, "C", "\x00", 1), "$2a$04$" + strings.Repeat("é", 30),
		"$bcrypt$v=98$r=4$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc", "$bcrypt$r=5$FzkVaNFkB1m75HzpBh0CEg$ByuNG1JMgmB+wv41cNQcbT67WpGEBzE", "$bcrypt$v=98$r=31$"} {
		f.Add(seed, "U*U")
		f.Add(seed, "U*U\x00")
	}
	f.Fuzz(func(t *testing.T, stored, password string) {
		if cost, err := bcrypt.Cost([]byte(passwords.FromPHC(stored))); err == nil && cost > 6 && cost <= 16 {
			return // allowed, but too slow to try
		}
		b := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Observe: func(cost int) {
			require.LessOrEqual(t, cost, 16)
		}})
		require.ErrorIs(t, b.Verify(t.Context(), stored, password), passwords.ErrMismatch)
	})
}
