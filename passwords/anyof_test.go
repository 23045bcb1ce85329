package passwords_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/passwords"
)

// together returns a kind whose hashers also check what another kind makes, and whose observer is that of both.
func (k kind) together(other kind) kind {
	alone := k.hasher
	k.hasher = func(gate *passwords.Gate, observe func(int)) passwords.Hasher {
		scrypt := passwords.NewScrypt(passwords.ScryptOptions{Gate: gate, Observe: observe})
		return passwords.NewAnyOf(alone(gate, observe), other.hasher(gate, observe).(passwords.Verifier), scrypt)
	}
	return k
}

// Whatever a hasher promises it promises in company too.
func TestAnyOfIsAHasher(t *testing.T) {
	for name, k := range map[string]kind{"bcrypt first": bcryptKind.together(argon2idKind), "argon2id first": argon2idKind.together(bcryptKind)} {
		t.Run(name, func(t *testing.T) {
			t.Run("matches the exact password", k.matchesTheExactPassword)
			t.Run("refuses what it cannot tell apart", k.refusesWhatItCannotTellApart)
			t.Run("computes one hash in every class", k.verifyComputesOneHashInEveryClass)
			t.Run("old hashes", k.oldHashes)
			t.Run("errors hold no hash", k.errorsHoldNoHash)
			t.Run("is busy when its gate is full", k.isBusyWhenItsGateIsFull)
		})
	}
}

func TestAnyOfComputesOneHash(t *testing.T) {
	var costs []string
	saw := func(name string) func(int) { return func(int) { costs = append(costs, name) } }
	b := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Observe: saw("bcrypt")})
	a := passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 64, Observe: saw("argon2id")})
	s := passwords.NewScrypt(passwords.ScryptOptions{Observe: saw("scrypt")})
	d := passwords.NewDevise(passwords.DeviseOptions{Pepper: pepper, Prefix: "devise:", Bcrypt: passwords.BcryptOptions{InsecureCost: 4, Observe: saw("devise")}})
	h := passwords.NewAnyOf(b, a, s, d)
	of := map[string]string{
		"bcrypt":   hash(t, b, ring),
		"argon2id": hash(t, a, ring),
		"scrypt":   foreign["AdonisJS scrypt, default"][1],
		"devise":   "devise:$2a$04$siZF9IQLahsl6Xk2it.5wuqqmT.JSMYitoudAySPTUkULzZ2ZHx5.",
	}
	for kind, stored := range of {
		t.Run(kind, func(t *testing.T) {
			for _, password := range []string{ring, "precious", "", "\x00", string(make([]byte, 2000))} {
				costs = nil
				err := h.Verify(t.Context(), stored, password)
				assert.Equal(t, password == ring, err == nil, "%v", err)
				assert.Equal(t, []string{kind}, costs)
			}
			assert.Equal(t, kind != "bcrypt", h.NeedsRehash(stored))
			costs = nil
			require.ErrorIs(t, h.Verify(t.Context(), stored[:len(stored)-3]+"\n", ring), passwords.ErrUnusableHash)
			assert.Equal(t, []string{kind}, costs)
		})
	}
	for name, stored := range map[string]string{
		"no hash":            "",
		"an unknown kind":    "$1$precious$rasmuslerdorf",
		"argon2d":            "$argon2d$v=19$m=1024,p=1,t=2$ynUAAbVV9rmUpa+ooVNf9g$mK3zermwFWUjQFa73O7T47t7l3UFG3k9WllVdoaMkuU",
		"the password":       ring,
		"less than a prefix": "$2",
		"a prefix later on":  " " + of["argon2id"],
	} {
		t.Run(name+" costs one of the current", func(t *testing.T) {
			costs = nil
			require.ErrorIs(t, h.Verify(t.Context(), stored, ring), passwords.ErrMismatch)
			assert.Equal(t, []string{"bcrypt"}, costs)
			assert.True(t, h.NeedsRehash(stored))
		})
	}
	costs = nil
	assert.Equal(t, "$2a$04$", hash(t, h, ring)[:7])
	assert.Equal(t, []string{"bcrypt"}, costs)
}

// From bcrypt to argon2id and back: nobody has to choose a new password.
func TestAnyOfMovesThereAndBack(t *testing.T) {
	b, _ := counted(4)
	a := cheapArgon2id(64, 1)
	there, back := passwords.NewAnyOf(a, b), passwords.NewAnyOf(b, a)
	first := hash(t, b, ring)
	require.NoError(t, there.Verify(t.Context(), first, ring))
	require.True(t, there.NeedsRehash(first))
	second := hash(t, there, ring)
	require.Contains(t, second, "$argon2id$")
	require.False(t, there.NeedsRehash(second))
	require.NoError(t, back.Verify(t.Context(), second, ring))
	require.True(t, back.NeedsRehash(second))
	third := hash(t, back, ring)
	require.NoError(t, b.Verify(t.Context(), third, ring))
	require.False(t, back.NeedsRehash(third))
}

// everything claims to know whatever begins with a dollar.
type everything struct{ passwords.Verifier }

func (everything) Prefixes() []string { return []string{"$"} }

func TestNewAnyOfRefusesWhatWouldBeAmbiguous(t *testing.T) {
	b, _ := counted(4)
	a := cheapArgon2id(64, 1)
	for name, make := range map[string]func(){
		"no hasher":                        func() { passwords.NewAnyOf(nil, a) },
		"a nil verifier":                   func() { passwords.NewAnyOf(b, nil) },
		"two of bcrypt":                    func() { passwords.NewAnyOf(b, b) },
		"a pepper beside bcrypt":           func() { passwords.NewAnyOf(b, devise(pepper, "")) },
		"a pepper beside bcrypt, as other": func() { passwords.NewAnyOf(a, devise(pepper, ""), b) },
		"a prefix that eats another":       func() { passwords.NewAnyOf(a, devise(pepper, "$argon2id$")) },
		"a verifier of everything":         func() { passwords.NewAnyOf(b, everything{a}) },
		"one inside another":               func() { passwords.NewAnyOf(passwords.NewAnyOf(b, a), cheapArgon2id(8, 1)) },
	} {
		t.Run(name, func(t *testing.T) { assert.Panics(t, make) })
	}
	assert.NotPanics(t, func() { passwords.NewAnyOf(a, devise(pepper, "")) })
	assert.NotPanics(t, func() { passwords.NewAnyOf(b, a, devise(pepper, "devise:")) })
	assert.NotPanics(t, func() { passwords.NewAnyOf(passwords.NewAnyOf(b, a), passwords.NewScrypt(passwords.ScryptOptions{})) })
	assert.ElementsMatch(t, []string{"$2a$", "$2b$", "$2y$", "$bcrypt$", "$argon2id$", "$argon2i$"}, passwords.NewAnyOf(b, a).Prefixes())
}
