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
	for _, o := range []passwords.PolicyOptions{{MinLength: -1}, {MinLength: 1}, {MinLength: 7}, {MinLength: 73}, {MinLength: 1 << 40}, {MaxBytes: -1},
		{MaxBytes: 63}, {MaxBytes: 1025}, {MinLength: 65, MaxBytes: 64}} {
		assert.Panics(t, func() { passwords.NewPolicy(o) }, "%+v", o)
	}
}

func TestPolicyTellsItsNumbers(t *testing.T) {
	p := passwords.NewPolicy(passwords.PolicyOptions{})
	assert.Equal(t, []int{15, 72}, []int{p.MinLength(), p.MaxBytes()})
	p = passwords.NewPolicy(passwords.PolicyOptions{MinLength: 20, MaxBytes: 1024})
	assert.Equal(t, []int{20, 1024}, []int{p.MinLength(), p.MaxBytes()})
}

func TestPolicyOfALongerHash(t *testing.T) {
	p := passwords.NewPolicy(passwords.PolicyOptions{MaxBytes: 1024})
	require.NoError(t, p.Check(strings.Repeat("ring ", 204)))
	assert.ErrorIs(t, p.Check(strings.Repeat("ring ", 205)), passwords.ErrTooLong)
	assert.ErrorContains(t, p.Check(strings.Repeat("ring ", 205)), "1024 bytes")
	_, err := cheapArgon2id(8, 1).Hash(t.Context(), strings.Repeat("x", 1024))
	assert.NoError(t, err, "what the policy takes can be hashed")
	assert.ErrorContains(t, passwords.NewPolicy(passwords.PolicyOptions{}).Check(strings.Repeat("x", 73)), "72 bytes")
}

func TestPolicyRefusesCommonPasswords(t *testing.T) {
	p := passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8})
	common := passwords.Common()
	require.Greater(t, len(common), 3000, "ASVS 6.2.4")
	for _, password := range common {
		require.ErrorIs(t, p.Check(password), passwords.ErrCommon, "%q", password)
	}
	for name, c := range map[string]struct {
		password string
		want     error
	}{
		"the first of all":    {"password", passwords.ErrCommon},
		"digits":              {"1234567890", passwords.ErrCommon},
		"its capitals":        {"PassWord1", passwords.ErrCommon},
		"the first line":      {common[0], passwords.ErrCommon},
		"the last line":       {common[len(common)-1], passwords.ErrCommon},
		"two lines":           {common[0] + "\n" + common[1], nil},
		"a line and its end":  {"password\n", nil},
		"a line after an end": {"\npassword", nil},
		"two in a row":        {"passwordpassword", nil},
		"a part of a line":    {common[0][:7] + "\u00e9", nil},
		"one in a sentence":   {"my password is here", nil},
		"too short first":     {"qwerty", passwords.ErrTooShort},
		"shorter lines first": {"assword\nx", nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.Check(c.password)
			assert.ErrorIs(t, err, c.want)
			if err != nil && c.password != "password" { // which is a word of the text itself
				assert.NotContains(t, err.Error(), c.password)
			}
		})
	}
	assert.ErrorIs(t, passwords.NewPolicy(passwords.PolicyOptions{}).Check("1qaz2wsx3edc4rfv"), passwords.ErrCommon)
}

func TestPolicyRefusesWordsOfTheContext(t *testing.T) {
	p := passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8, Words: []string{"Kahu", "Middle-earth"}})
	about := []string{"Frodo Baggins", "mr.underhill@example.com", "Sam", "", "@", "Ñandú", "指輪王"}
	for name, c := range map[string]struct {
		password string
		about    []string
		want     error
	}{
		"the application's name":       {"kahu-2026", nil, passwords.ErrCommon},
		"twice, in capitals":           {"KAHUkahu", nil, passwords.ErrCommon},
		"words with a hyphen":          {"middle earth", nil, passwords.ErrCommon},
		"the whole name":               {"frodobaggins", about, passwords.ErrCommon},
		"the name and a year":          {"Frodo1954!", about, passwords.ErrCommon},
		"more than a third of it":      {"frodo123456", about, passwords.ErrCommon},
		"all that is known, in a row":  {"frodo.baggins.mr.underhill", about, passwords.ErrCommon},
		"of user and application":      {"frodo@kahu!", about, passwords.ErrCommon},
		"the e-mail address":           {"underhill@", about, passwords.ErrCommon},
		"the name, and a common one":   {"frodo-password1", about, passwords.ErrCommon},
		"a common one around the name": {"pass-frodo-word", about, nil},
		"a common one cut by a name":   {"passfrodoword", about, passwords.ErrCommon},
		"another script":               {"Ñandúñandú1", about, passwords.ErrCommon},
		"the short name, repeated":     {"samsamsam", about, passwords.ErrCommon},
		"a word overlapping itself":    {strings.Repeat("an", 20) + "a", []string{"ana"}, passwords.ErrCommon},
		"overlapping words":            {"kahukahukahu-99", []string{"ahuk"}, passwords.ErrCommon},

		"of somebody unknown":           {"frodobaggins", nil, nil},
		"a sentence with the name":      {"frodo likes second breakfast", about, nil},
		"the domain, which many have":   {"example.com-1954", about, nil},
		"a word that has the short one": {"samurai-x", about, nil},
		"a third of it":                 {"sam-1954x", about, nil},
		"eight other characters":        {"frodobagginsprecious-1", about, nil},
		"nothing of it":                 {"precious-ring", about, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.Check(c.password, c.about...)
			assert.ErrorIs(t, err, c.want)
			if err != nil {
				assert.NotContains(t, strings.ToLower(err.Error()), "frodo")
			}
		})
	}
}

func FuzzPolicyCheck(f *testing.F) {
	f.Add("frodo-1954-ring", "Frodo Baggins", "frodo@example.com")
	f.Add("ſam\xff\xfe指輪\u0130\u0130İİ", "\xff", "指輪")
	f.Add("aaaaaaaaaaaaaaaa", "aaa", "@@@")
	f.Add("\u212a\u212a\u212a\u212a\u212a\u212a\u212a\u212a", "kkk", "")
	plain := passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8, MaxBytes: 1024})
	p := passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8, MaxBytes: 1024, Words: []string{"kahu"}})
	f.Fuzz(func(t *testing.T, password, name, email string) {
		if plain.Check(password) != nil {
			require.Error(t, p.Check(password, name, email), "what is known never makes it better")
		}
	})
}
