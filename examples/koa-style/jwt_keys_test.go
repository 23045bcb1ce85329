package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/strategies"
)

// keyFile writes a new key to a file.
func keyFile(t *testing.T, algorithm string) string {
	t.Helper()
	key, err := strategies.GenerateJWTKey("new", algorithm)
	require.NoError(t, err)
	return write(t, privatePEM(t, key.Key))
}

func privatePEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func publicPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.(interface{ Public() crypto.PublicKey }).Public())
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func write(t *testing.T, text []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "jwt.pem")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func TestJWTKeyFiles(t *testing.T) {
	key, err := strategies.GenerateJWTKey("new", "ES256")
	require.NoError(t, err)
	text, former := privatePEM(t, key.Key), keyFile(t, "ES256")
	private, public := write(t, text), write(t, publicPEM(t, key.Key))
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	missing := filepath.Join(t.TempDir(), "none.pem")
	const cannotSign = "is no key that can sign"
	for name, test := range map[string]struct{ base, files, want string }{
		"none in development":           {"", "", ""},
		"none with http elsewhere":      {"http://shire.example", "", ""},
		"none with https":               {"https://shire.example", "", "JWT_KEY_FILE is missing: `openssl genpkey"},
		"one with https":                {"https://shire.example", private, ""},
		"two":                           {"", private + ", " + former, ""},
		"the public half of an old one": {"", former + "," + public, ""},
		"a public half that is to sign": {"", public, "takes the private half"},
		"the same twice":                {"", private + "," + private, "have the ID"},
		"the same and its public half":  {"", private + "," + public, "have the ID"},
		"a file that is not there":      {"", missing, missing},
		"a name that is empty":          {"", private + ",", "no such file"},
		"a folder":                      {"", filepath.Dir(private), "is a directory"},
		"an empty file":                 {"", write(t, nil), cannotSign},
		"no PEM":                        {"", write(t, []byte("precious")), cannotSign},
		"half a key":                    {"", write(t, text[:len(text)/2]), cannotSign},
		"two keys in one file":          {"", write(t, append(bytes.Clone(text), privatePEM(t, weak)...)), cannotSign},
		"an encrypted key":              {"", write(t, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})), cannotSign},
		"a key of another curve":        {"", write(t, privatePEM(t, weak)), cannotSign},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"BASE_URL": test.base, "JWT_KEY_FILE": test.files, "SECRET_KEYS": "0123456789abcdef0123456789abcdef", "SMTP_URL": smtpURL}
			c, err := readConfig(func(name string) string { return env[name] })
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				assert.NotContains(t, err.Error(), string(text[40:60]), "the key is not in it")
				return
			}
			require.NoError(t, err)
			warned := slices.Contains(c.warnings, "JWT_KEY_FILE is not set: access tokens are good until this program ends")
			assert.Equal(t, test.files == "", warned)
		})
	}
}

func TestTheTypeOfAKeySaysItsAlgorithm(t *testing.T) {
	ids := map[string]string{}
	for _, algorithm := range []string{"ES256", "ES384", "ES512", "EdDSA", "RS256"} {
		made, err := strategies.GenerateJWTKey("new", algorithm)
		require.NoError(t, err)
		for _, text := range [][]byte{privatePEM(t, made.Key), publicPEM(t, made.Key)} {
			key, ok := jwtKey(text)
			require.True(t, ok)
			assert.Equal(t, algorithm, key.Algorithm)
			id, err := keyID(key.Key)
			require.NoError(t, err)
			assert.Regexp(t, `^[\w-]{22}$`, id)
			ids[id] = algorithm
		}
	}
	assert.Len(t, ids, 5, "one for each key, and the same for both its halves")
}
