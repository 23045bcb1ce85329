package passwords_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/scrypt"

	"github.com/kahu-go/kahu/passwords"
)

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawStdEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}

const (
	ring  = "precious-ring-1954"
	ñandú = "Ñandú 指輪 💍"
)

// Each was made by the program that it names: bcrypt 6.0.0, bcryptjs 3.0.3, argon2 0.45.1 and @adonisjs/hash 10.1.1 on node 20, PHP 8.2.
var foreign = map[string][2]string{
	"node bcrypt":                   {ring, "$2b$04$2QM20h6aIuG6kB8lnBE8mOYePe0gumlhJGZKi2Vt4.SkFU/5prip2"},
	"node bcrypt, Unicode":          {ñandú, "$2b$05$5eQVavHH5oz8Wp9DikCjnuZwNgly3wimJQ74o5nHxJkFBA7RmiYYa"},
	"node bcryptjs":                 {ring, "$2b$04$abzqTM4t6CqppLE/WbTAy.ohR8gwlbcb8RhlYz10xT/RatzIUpFTi"},
	"node bcryptjs, Unicode":        {ñandú, "$2b$04$dHtAF08OkhMrQj9ByOLPF.tz7pwmfPZJY.8PLmT01O0ykSFH8m3v2"},
	"node argon2":                   {ring, "$argon2id$v=19$m=1024,p=1,t=2$PpCGVttgtqJMz1A0xzxhvA$jAYtCfrHhEV7cdG6VoD3QHul0Fgk+j9Zw4zPdacoBS0"},
	"node argon2i":                  {ñandú, "$argon2i$v=19$m=1024,p=2,t=3$Ch7G2jNcsZ5OcDBKQiXArA$67aXDbnMAcYMkZ8mwz5X1fX/JTJ8JH17e0dZLSO0/VI"},
	"AdonisJS bcrypt":               {ring, "$bcrypt$v=98$r=4$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc"},
	"AdonisJS bcrypt, version 97":   {ñandú, "$bcrypt$v=97$r=5$FzkVaNFkB1m75HzpBh0CEg$ByuNG1JMgmB+wv41cNQcbT67WpGEBzE"},
	"AdonisJS bcrypt, no version":   {ñandú, "$bcrypt$r=5$FzkVaNFkB1m75HzpBh0CEg$ByuNG1JMgmB+wv41cNQcbT67WpGEBzE"}, // the one above, as older ones were written
	"AdonisJS bcrypt, default":      {ring, "$bcrypt$v=98$r=10$xLR81H32PbOzzVigM6cGXQ$fzv8ZsDa0eADD7YE7gKsZNJl21uMVW8"},
	"AdonisJS argon2id, default":    {ring, "$argon2id$v=19$m=65536,t=3,p=4$H+jj8q5AzRc/Oj/ho/ZGbQ$9FITAs2+XCPuDnTSs9wz990zKlJdorLunAxAiBzFRFc"},
	"AdonisJS argon2id, own sizes":  {ñandú, "$argon2id$v=19$m=1024,t=2,p=2$2DV4WEN54d0c5zVqkXqofEud6tk$JcXepNqYXqqcq3lB+6G7ldoLbV+D/ja6PzdnHlY5V3jggUjylAHkcjTWCvIxp40t"},
	"AdonisJS argon2i":              {ñandú, "$argon2i$v=19$m=1024,t=2,p=1$jZlkUEC8xBL/yVPJH/s/BQ$UXLqflDArkzyRPZcF/0uD0xLE6btlw60bcr4yU831XM"},
	"AdonisJS scrypt, default":      {ring, "$scrypt$n=16384,r=8,p=1$XPBlzWSR4SSzrdHzdm2w/A$R+F12S+u7RYKXVFRamUpw0vcg3GBmEj6xI/+u9+aflK7csixNjeQdHo2/HiOKmHJLTHCO4/O3cGpfaSqxK0kaQ"},
	"AdonisJS scrypt, own sizes":    {ñandú, "$scrypt$n=1024,r=8,p=2$PASo50byloXNJzBWk9D3p3ZalYJKJPke$9sbiOvh8w9qsU6rgici2euASr5cMMaxYBISo2mtyTfkp2qe12Ft/e5ElWEgQTS2YKaR0Y5pIzqqYQ8dTpe+ENqWuv/7hbbKIjTBwQIiCPT8SvzRYFNtdpQTrnOYFIzkA"},
	"PHP password_hash":             {ring, "$2y$04$1h1Fk1v4w6nqGwYbK3Gr0uNoYULxHeXwjvZW.LGrqtYv7Nquy.wyO"},
	"PHP password_hash, Unicode":    {ñandú, "$2y$05$PZhlpg6e6Ggr85c5wLcckudwVbMtjOR6NPYWCRiqyMGJKZ3rHSUDS"},
	"PHP password_hash by argon2i":  {ring, "$argon2i$v=19$m=1024,t=2,p=1$dlkuWUgyREtWaThCaEhCcQ$Q/kzxMsAVV5nGA7PF/Ggb96i+/9hhfQXyzwj/fGIiGc"},
	"PHP password_hash by argon2id": {ñandú, "$argon2id$v=19$m=1024,t=2,p=2$QXRVOWhqMEJEMHNQUnNSUg$0BVrLinaIvmIQaHUEeSIzSJ1SxMXl4LZPvcS7cx/9cY"},
}

func TestUsersOfOtherProgramsKeepTheirPasswords(t *testing.T) {
	cheap, cheapArgon := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 6}), cheapArgon2id(2048, 3)
	for current, h := range map[string]passwords.Hasher{
		"to bcrypt":   passwords.NewAnyOf(cheap, cheapArgon, passwords.NewScrypt(passwords.ScryptOptions{})),
		"to argon2id": passwords.NewAnyOf(cheapArgon, cheap, passwords.NewScrypt(passwords.ScryptOptions{})),
	} {
		for name, c := range foreign {
			if strings.Contains(name, "default") && current == "to argon2id" {
				continue // slow, and dearer than ours in this test
			}
			t.Run(current+" from "+name, func(t *testing.T) {
				password, stored := c[0], c[1]
				require.NoError(t, h.Verify(t.Context(), stored, password))
				err := h.Verify(t.Context(), stored, password+"!")
				require.ErrorIs(t, err, passwords.ErrMismatch)
				assert.NotErrorIs(t, err, passwords.ErrUnusableHash)

				require.True(t, h.NeedsRehash(stored))
				renewed := hash(t, h, password)
				assert.False(t, h.NeedsRehash(renewed))
				assert.NoError(t, h.Verify(t.Context(), renewed, password))
			})
		}
	}
}

const pepper = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a089f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func devise(pepper, prefix string) *passwords.Devise {
	return passwords.NewDevise(passwords.DeviseOptions{Pepper: pepper, Prefix: prefix, Bcrypt: passwords.BcryptOptions{InsecureCost: 4}})
}

// Made by bcrypt-ruby 3.1.18 of password and pepper, as devise does.
func TestDeviseWithAPepper(t *testing.T) {
	for name, c := range map[string]struct{ pepper, password, hash string }{
		"a short one":                    {"nazgul-pepper", ring, "$2a$04$rnmi9Qt.DF1Ou.dxc9ibIukrVmT8Z4aVXDnVlT4Hp/FMpPqjjnCh6"},
		"one of its generator's":         {pepper, ring, "$2a$04$siZF9IQLahsl6Xk2it.5wuqqmT.JSMYitoudAySPTUkULzZ2ZHx5."},
		"Unicode":                        {pepper, ñandú, "$2a$04$ayumAqP.nvKfliEbOgME2u1.ueJDZpTfBzDrew8y8qQwOuu.uKqmm"},
		"a password that leaves no room": {"nazgul-pepper", strings.Repeat("x", 72), "$2a$04$bpz6bVrKhSebq.lkNm8k7uTuVWh3UmJqxV0Cm3gGR3bo1vq8RAiIW"},
	} {
		for _, prefix := range []string{"", "devise:"} {
			t.Run(name+" "+prefix, func(t *testing.T) {
				d := devise(c.pepper, prefix)
				assert.NoError(t, d.Verify(t.Context(), prefix+c.hash, c.password))
				for _, other := range []string{c.password + "!", c.password + c.pepper, c.password + "x", "", c.password[1:]} {
					assert.ErrorIs(t, d.Verify(t.Context(), prefix+c.hash, other), passwords.ErrMismatch, "%q", other)
				}
				without := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4}).Verify(t.Context(), c.hash, c.password)
				if len(c.password) < 72 {
					assert.ErrorIs(t, without, passwords.ErrMismatch, "the pepper counts")
				}
			})
		}
	}
	t.Run("without a pepper it is bcrypt", func(t *testing.T) {
		b, _ := counted(4)
		assert.NoError(t, b.Verify(t.Context(), "$2a$04$W0WW9o2/YUgjqstIF8Zfk.13chELNfopc5RzUFXKAsCFsXnjQqMSC", ring))
	})
}

func TestDeviseRefusesHashesThatAreNotItsOwn(t *testing.T) {
	costs := 0
	d := passwords.NewDevise(passwords.DeviseOptions{Pepper: pepper, Prefix: "devise:", Bcrypt: passwords.BcryptOptions{InsecureCost: 4, Observe: func(int) { costs++ }}})
	const good = "$2a$04$siZF9IQLahsl6Xk2it.5wuqqmT.JSMYitoudAySPTUkULzZ2ZHx5."
	for text, want := range map[string]error{
		good: passwords.ErrUnusableHash,
		"devise:$bcrypt$v=98$r=4$PKodBJXR+0LP5UmEtIRz1w$2s/SMGNV6hKZPNGFB/vdcKleDfcUaKc": passwords.ErrUnusableHash,
		"devise:devise:" + good: passwords.ErrUnusableHash,
		"devise:":               passwords.ErrMismatch,
		"":                      passwords.ErrMismatch,
	} {
		costs = 0
		assert.ErrorIs(t, d.Verify(t.Context(), text, ring), want, "%q", text)
		assert.ErrorIs(t, d.Verify(t.Context(), text, ring), passwords.ErrMismatch, "%q", text)
		assert.Equal(t, 2, costs)
	}
	assert.Panics(t, func() { devise("", "") })
	assert.Panics(t, func() { devise("pep\x00per", "") })
}

func TestPeppersAreNeverPrinted(t *testing.T) {
	o := passwords.DeviseOptions{Pepper: "nazgul-pepper"}
	d := devise("nazgul-pepper", "devise:")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("devise", "options", o, "pointer", &o, "verifier", d)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("devise", "options", o, "pointer", &o, "verifier", d)
	printed := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, o), fmt.Sprintf(verb, &o), fmt.Sprintf(verb, d), fmt.Sprintf(verb, *d), fmt.Sprintf(verb, []any{o, d}))
	}
	j, err := json.Marshal([]any{o, &o, d})
	require.NoError(t, err)
	for _, text := range append(printed, string(j)) {
		assert.NotContains(t, text, "nazgul")
		assert.NotContains(t, text, fmt.Sprintf("%x", "nazgul"))
	}
}

func TestScrypt(t *testing.T) {
	var costs []int
	s := passwords.NewScrypt(passwords.ScryptOptions{Observe: func(cost int) { costs = append(costs, cost) }})
	password, stored := foreign["AdonisJS scrypt, own sizes"][0], foreign["AdonisJS scrypt, own sizes"][1]
	part := strings.Split(stored, "$")
	key, err := scrypt.Key([]byte(password), unbase64(t, part[3]), 1024, 8, 2, 96)
	require.NoError(t, err)
	require.Equal(t, unbase64(t, part[4]), key)

	swapped := func(parameters string) string { return strings.Replace(stored, "n=1024,r=8,p=2", parameters, 1) }
	for name, c := range map[string]struct {
		hash, password string
		want           error
		cost           int // KiB
	}{
		"the right password":  {stored, password, nil, 2 << 10},
		"a wrong one":         {stored, "precious", passwords.ErrMismatch, 2 << 10},
		"NUL":                 {stored, password + "\x00", passwords.ErrMismatch, 16 << 10},
		"too long":            {stored, strings.Repeat("x", 1025), passwords.ErrMismatch, 16 << 10},
		"no hash":             {"", password, passwords.ErrMismatch, 16 << 10},
		"no power of two":     {swapped("n=1023,r=8,p=2"), password, passwords.ErrUnusableHash, 16 << 10},
		"one":                 {swapped("n=1,r=8,p=2"), password, passwords.ErrUnusableHash, 16 << 10},
		"too much memory":     {swapped("n=524288,r=8,p=1"), password, passwords.ErrUnusableHash, 16 << 10},
		"a lot of memory":     {swapped("n=4194304,r=999,p=999"), password, passwords.ErrUnusableHash, 16 << 10},
		"too much work":       {swapped("n=131072,r=8,p=9"), password, passwords.ErrUnusableHash, 16 << 10},
		"numbers too long":    {swapped("n=99999999999999999999,r=8,p=1"), password, passwords.ErrUnusableHash, 16 << 10},
		"another order":       {swapped("r=8,n=1024,p=2"), password, passwords.ErrUnusableHash, 16 << 10},
		"a logarithm":         {swapped("ln=10,r=8,p=2"), password, passwords.ErrUnusableHash, 16 << 10},
		"no parallelism":      {swapped("n=1024,r=8,p=0"), password, passwords.ErrUnusableHash, 16 << 10},
		"a tail":              {stored + "\n", password, passwords.ErrUnusableHash, 16 << 10},
		"a short key":         {"$scrypt$n=1024,r=8,p=2$" + part[3] + "$" + part[4][:80], password, passwords.ErrUnusableHash, 16 << 10},
		"salt with bits more": {"$scrypt$n=1024,r=8,p=2$AAAAAAAAAAAAAAAAAAAAAB$" + part[4], password, passwords.ErrUnusableHash, 16 << 10},
		"key with bits more":  {"$scrypt$n=1024,r=8,p=2$" + part[3] + "$" + strings.Repeat("A", 85) + "B", password, passwords.ErrUnusableHash, 16 << 10},
		"another kind":        {"$2b$04$2QM20h6aIuG6kB8lnBE8mOYePe0gumlhJGZKi2Vt4.SkFU/5prip2", ring, passwords.ErrUnusableHash, 16 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			costs = nil
			err := s.Verify(t.Context(), c.hash, c.password)
			assert.ErrorIs(t, err, c.want)
			assert.Equal(t, []int{c.cost}, costs)
			if c.want != nil {
				assert.ErrorIs(t, err, passwords.ErrMismatch)
				assert.NotContains(t, err.Error(), "$")
			}
		})
	}
}

func FuzzScryptVerify(f *testing.F) {
	for _, name := range []string{"AdonisJS scrypt, own sizes", "AdonisJS scrypt, default", "node argon2"} {
		f.Add(foreign[name][1], foreign[name][0]+"!")
	}
	f.Add("$scrypt$n=2,r=1,p=1$AAAAAAAAAAA$"+strings.Repeat("A", 86), "\x00")
	f.Add("$scrypt$n=9999999,r=999,p=999$AAAAAAAAAAA$"+strings.Repeat("A", 86), "mellon")
	s := passwords.NewScrypt(passwords.ScryptOptions{})
	f.Fuzz(func(t *testing.T, stored, password string) {
		work := passwords.ScryptWork(stored)
		require.LessOrEqual(t, work, 1<<20)
		if 0 < work && work <= 64 { // others are refused, or allowed and too slow to try
			require.ErrorIs(t, s.Verify(t.Context(), stored, password), passwords.ErrMismatch)
		}
	})
}
