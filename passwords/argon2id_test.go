package passwords_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"github.com/kahu-go/kahu/passwords"
)

var argon2idKind = kind{
	hasher: func(gate *passwords.Gate, observe func(int)) passwords.Hasher {
		return passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 64, Time: 2, Gate: gate, Observe: observe})
	},
	cost:    128,
	work:    func(cost int) int { return cost },
	cheaper: func() passwords.Hasher { return cheapArgon2id(32, 1) },
	limit:   1024,
	unusable: func(stored string) map[string]string {
		swapped := func(parameters string) string { return strings.Replace(stored, "m=64,t=2,p=1", parameters, 1) }
		salt := strings.Split(stored, "$")[4]
		return map[string]string{
			"a hash too costly":             swapped("m=262144,t=9,p=1"),
			"more memory than is sane":      swapped("m=262145,t=1,p=1"),
			"a terabyte":                    swapped("m=1073741824,t=1,p=1"),
			"many passes":                   swapped("m=64,t=32769,p=1"),
			"more passes than a number has": swapped("m=64,t=99999999999999999999,p=1"),
			"many threads":                  swapped("m=1024,t=1,p=65"),
			"threads beyond a byte":         swapped("m=4096,t=1,p=257"),
			"no pass":                       swapped("m=64,t=0,p=1"),
			"no thread":                     swapped("m=64,t=2,p=0"),
			"less memory than argon2 has":   swapped("m=7,t=2,p=1"),
			"less memory than its threads":  swapped("m=64,t=2,p=9"),
			"a parameter twice":             swapped("m=64,m=64,p=1"),
			"a parameter missing":           swapped("m=64,t=2"),
			"a parameter more":              swapped("m=64,t=2,p=1,data=eA"),
			"a sign":                        swapped("m=+64,t=2,p=1"),
			"a zero before":                 swapped("m=064,t=2,p=1"),
			"a space":                       swapped("m=64, t=2,p=1"),
			"an older version":              strings.Replace(stored, "v=19", "v=16", 1),
			"no version":                    strings.Replace(stored, "$v=19", "", 1),
			"argon2d":                       strings.Replace(stored, "argon2id", "argon2d", 1),
			"an upper case name":            strings.Replace(stored, "argon2id", "ARGON2ID", 1),
			"padding":                       stored + "=",
			"a salt of seven bytes":         strings.Replace(stored, salt, "AAAAAAAAAA", 1),
			"a salt of 65 bytes":            strings.Replace(stored, salt, strings.Repeat("A", 87), 1),
			"a salt with bits too many":     strings.Replace(stored, salt, salt[:21]+"B", 1),
			"a key with bits too many":      stored[:len(stored)-1] + "B",
			"a key of 15 bytes":             stored[:len(stored)-43] + strings.Repeat("A", 20),
			"a key of 65 bytes":             stored[:len(stored)-43] + strings.Repeat("A", 87),
			"an empty key":                  stored[:len(stored)-43],
			"base64 for addresses":          strings.Replace(stored, salt, "____________________AA", 1),
		}
	},
}

func cheapArgon2id(memory, time int) *passwords.Argon2id {
	return passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: memory, Time: time})
}

func TestArgon2idMatchesTheExactPassword(t *testing.T) { argon2idKind.matchesTheExactPassword(t) }
func TestArgon2idHashRefusesWhatItCannotTellApart(t *testing.T) {
	argon2idKind.refusesWhatItCannotTellApart(t)
}
func TestArgon2idVerifyComputesOneHashInEveryClass(t *testing.T) {
	argon2idKind.verifyComputesOneHashInEveryClass(t)
}
func TestArgon2idOldHashes(t *testing.T)               { argon2idKind.oldHashes(t) }
func TestArgon2idErrorsHoldNoHash(t *testing.T)        { argon2idKind.errorsHoldNoHash(t) }
func TestArgon2idIsBusyWhenItsGateIsFull(t *testing.T) { argon2idKind.isBusyWhenItsGateIsFull(t) }

// The parser and what comes out are held against the library itself.
func TestArgon2idHashIsWhatItsTextSays(t *testing.T) {
	text := hash(t, passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 96, Time: 3, Threads: 2}), "precious-ring-1954")
	part := strings.Split(text, "$")
	require.Equal(t, []string{"", "argon2id", "v=19", "m=96,t=3,p=2"}, part[:4])
	salt, key := unbase64(t, part[4]), unbase64(t, part[5])
	assert.Len(t, salt, 16)
	assert.Equal(t, argon2.IDKey([]byte("precious-ring-1954"), salt, 3, 96, 2, 32), key)
	assert.NotEqual(t, text, hash(t, cheapArgon2id(96, 3), "precious-ring-1954"))
}

func TestArgon2idDecoyIsAHashAtTheConfiguredCost(t *testing.T) {
	one, other := passwords.NewArgon2id(passwords.Argon2idOptions{}), passwords.NewArgon2id(passwords.Argon2idOptions{})
	assert.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, one.Decoy())
	assert.False(t, one.NeedsRehash(one.Decoy()))
	assert.NotEqual(t, one.Decoy(), other.Decoy())
}

func TestArgon2idHashersShareAGateUnlessToldOtherwise(t *testing.T) {
	bcrypt, _ := counted(4)
	assert.Same(t, bcrypt.Gate(), cheapArgon2id(8, 1).Gate())
	own := passwords.NewGate(passwords.GateOptions{})
	assert.Same(t, own, passwords.NewArgon2id(passwords.Argon2idOptions{Gate: own}).Gate())
}

func TestArgon2idNeedsRehash(t *testing.T) {
	h := passwords.NewArgon2id(passwords.Argon2idOptions{Memory: 19456, Time: 4})
	const salt, key = "$PpCGVttgtqJMz1A0xzxhvA", "$jAYtCfrHhEV7cdG6VoD3QHul0Fgk+j9Zw4zPdacoBS0"
	for text, want := range map[string]bool{
		"$argon2id$v=19$m=19456,t=4,p=1" + salt + key:            false,
		"$argon2id$v=19$m=19456,t=5,p=1" + salt + key:            false,
		"$argon2id$v=19$m=19456,t=3,p=1" + salt + key:            true,
		"$argon2id$v=19$m=47104,t=2,p=1" + salt + key:            false, // more memory, and more work in all
		"$argon2id$v=19$m=47104,t=1,p=1" + salt + key:            true,  // less work
		"$argon2id$v=19$m=9216,t=100,p=1" + salt + key:           true,  // less memory
		"$argon2id$v=19$m=19456,t=4,p=4" + salt + key:            false,
		"$argon2id$v=19$m=19456,p=1,t=4" + salt + key:            true, // in node's order
		"$argon2i$v=19$m=19456,t=4,p=1" + salt + key:             true,
		"$argon2id$v=19$m=19456,t=4,p=1$c2FsdHNhbHQ" + key:       true, // eight bytes of salt
		"$argon2id$v=19$m=19456,t=4,p=1" + salt + key[:22] + "A": true, // 16 bytes of key
		"$argon2id$v=19$m=999999,t=4,p=1" + salt + key:           true,
		"$argon2id$v=19$m=19456,t=4,p=1" + salt + key + "\n":     true,
		"": true,
		"$2a$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": true,
	} {
		assert.Equal(t, want, h.NeedsRehash(text), "%q", text)
	}
}

func TestArgon2idCost(t *testing.T) {
	for name, c := range map[string]struct {
		options passwords.Argon2idOptions
		want    [3]int
	}{
		"default":                 {passwords.Argon2idOptions{}, [3]int{19456, 2, 1}},
		"46 MiB once":             {passwords.Argon2idOptions{Memory: 47104, Time: 1}, [3]int{47104, 1, 1}},
		"12 MiB three times":      {passwords.Argon2idOptions{Memory: 12288, Time: 3}, [3]int{12288, 3, 1}},
		"9 MiB four times":        {passwords.Argon2idOptions{Memory: 9216, Time: 4}, [3]int{9216, 4, 1}},
		"7 MiB five times":        {passwords.Argon2idOptions{Memory: 7168, Time: 5}, [3]int{7168, 5, 1}},
		"the second of RFC 9106":  {passwords.Argon2idOptions{Memory: 65536, Time: 3, Threads: 4}, [3]int{65536, 3, 4}},
		"highest":                 {passwords.Argon2idOptions{Memory: 256 << 10, Time: 8, Threads: 64}, [3]int{256 << 10, 8, 64}},
		"more memory, Time unset": {passwords.Argon2idOptions{Memory: 30000}, [3]int{30000, 2, 1}},
		"for tests, lowest":       {passwords.Argon2idOptions{InsecureMemory: 8}, [3]int{8, 1, 1}},
		"for tests, highest":      {passwords.Argon2idOptions{InsecureMemory: 7167, Time: 3}, [3]int{7167, 3, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, passwords.NewArgon2id(c.options).Cost())
		})
	}
	for name, o := range map[string]passwords.Argon2idOptions{
		"below OWASP's memory":           {Memory: 19455},
		"below OWASP's passes":           {Time: 1},
		"a little below 46 MiB once":     {Memory: 47103, Time: 1},
		"below 7 MiB, however often":     {Memory: 7167, Time: 50},
		"negative memory":                {Memory: -1},
		"negative passes":                {Time: -1},
		"negative threads":               {Threads: -1},
		"insecure and negative":          {InsecureMemory: -8},
		"above what is sane":             {Memory: 256<<10 + 1},
		"above what is sane in all":      {Memory: 256 << 10, Time: 9},
		"overflow of memory":             {Memory: 1 << 62},
		"overflow of passes":             {Time: 1 << 62},
		"overflow of both":               {Memory: 1 << 40, Time: 1 << 40},
		"threads beyond a byte":          {Threads: 257},
		"both":                           {Memory: 19456, InsecureMemory: 64},
		"below argon2's own":             {InsecureMemory: 7},
		"below argon2's own, by threads": {InsecureMemory: 31, Threads: 4},
		"insecure, but is it":            {InsecureMemory: 7168},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			assert.Panics(t, func() { passwords.NewArgon2id(o) })
		})
	}
}

func FuzzArgon2idVerify(f *testing.F) {
	const good = "$argon2id$v=19$m=64,t=1,p=1$PpCGVttgtqJMz1A0xzxhvA$jAYtCfrHhEV7cdG6VoD3QHul0Fgk+j9Zw4zPdacoBS0"
	for _, text := range argon2idKind.unusable(strings.Replace(good, "t=1", "t=2", 1)) {
		f.Add(text, "mellon")
	}
	f.Add(good, "mellon")
	f.Add(strings.Replace(good, "m=64,t=1,p=1", "p=2,t=3,m=16", 1), "mellon\x00")
	f.Fuzz(func(t *testing.T, stored, password string) {
		h := passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 8, Observe: func(cost int) { require.LessOrEqual(t, cost, 2<<20) }})
		if passwords.Argon2Work(stored) > 4096 {
			return // allowed, but too slow to try
		}
		err := h.Verify(t.Context(), stored, password)
		require.ErrorIs(t, err, passwords.ErrMismatch)
		var m, time, p int
		if n, _ := fmt.Sscanf(stored, "$argon2id$v=19$m=%d,t=%d,p=%d$", &m, &time, &p); n == 3 && (m > 256<<10 || p > 64) {
			require.ErrorIs(t, err, passwords.ErrUnusableHash)
		}
	})
}
