package passwords_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/passwords"
)

func TestPolicy(t *testing.T) {
	byDefault, floor := passwords.NewPolicy(passwords.PolicyOptions{}), passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8})
	for _, test := range []struct {
		name, password string
		policy         *passwords.Policy
		want           error
	}{
		{"fifteen characters", strings.Repeat("a", 15), byDefault, nil},
		{"fourteen", strings.Repeat("a", 14), byDefault, passwords.ErrTooShort},
		{"eight at the floor", "aaaaaaaa", floor, nil},
		{"seven at the floor", "aaaaaaa", floor, passwords.ErrTooShort},
		{"none", "", floor, passwords.ErrTooShort},
		{"sixty-four", strings.Repeat("a", 64), byDefault, nil},
		{"seventy-two bytes", strings.Repeat("a", 72), byDefault, nil},
		{"seventy-three", strings.Repeat("a", 73), byDefault, passwords.ErrTooLong},
		{"a sentence", "one ring to rule them all", byDefault, nil},
		{"spaces at its ends", "  seven and spaces  ", byDefault, nil},
		{"no digit, no capital, no sign", "preciouspreciousprecious", byDefault, nil},
		{"characters are counted, not bytes", "ééééééé", floor, passwords.ErrTooShort},
		{"another script", "一个戒指统治他们所有人的戒指吧", byDefault, nil},
		{"emoji", strings.Repeat("💍", 15), byDefault, nil},
		{"NUL", "precious\x00precious", byDefault, passwords.ErrNUL},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.policy.Check(test.password)
			if test.want == nil {
				require.NoError(t, err)
				_, err = passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4}).Hash(t.Context(), test.password)
				assert.NoError(t, err, "what the policy takes can be hashed")
				return
			}
			assert.ErrorIs(t, err, test.want)
			if test.password != "" {
				assert.NotContains(t, err.Error(), test.password)
			}
		})
	}
	for _, min := range []int{-1, 1, 7, 73} {
		assert.Panics(t, func() { passwords.NewPolicy(passwords.PolicyOptions{MinLength: min}) })
	}
}
