package strategies

import (
	"cmp"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// AdonisTokens are the opaque tokens of AdonisJS 5 (@adonisjs/auth 8) in the table
// api_tokens. Make it with [NewAdonisTokens].
type AdonisTokens struct{ legacyTokens }

// AdonisOptions are the options of [NewAdonisTokens].
type AdonisOptions struct {
	Table      string // a schema may be before it; "": api_tokens
	Type       string // tokenProvider.type; "": opaque_token, which is its default; generated configurations say api
	ForeignKey string // the column of the user; "": user_id

	// Scopes are what the tokens are to allow, which know no scopes; nil: nothing that
	// RequireScopes guards, "*": everything.
	Scopes []string

	Zone  *time.Location   // of times that do not say theirs, as in SQLite, where it is that of the server; nil: UTC
	Clock func() time.Time // nil: time.Now
}

// NewAdonisTokens returns the tokens of a table. It panics without a database and for
// options that cannot be used. Ids are positive integers.
func NewAdonisTokens(db LegacyDatabase, o AdonisOptions) *AdonisTokens {
	rows := newLegacyRows(legacyRows{
		db: db, table: quoted("AdonisOptions.Table", o.Table, "api_tokens", 2),
		kind: kindOf("AdonisOptions.Type", o.Type, "opaque_token"), scopes: o.Scopes, zone: o.Zone, clock: o.Clock,
		columns: legacyColumns{
			subject: quoted("AdonisOptions.ForeignKey", o.ForeignKey, "user_id", 1), proof: `"token"`,
			kind: `"type"`, name: `"name"`, expires: `"expires_at"`,
		},
	})
	return &AdonisTokens{legacyTokens{rows, parseAdonis}}
}

const urlSafe = digits + "-_"

// parseAdonis reads base64url(id).secret, of 60 random characters.
func parseAdonis(text string) (legacyClaim, bool) {
	first, secret, _ := strings.Cut(text, ".")
	id, ok := adonisID(first)
	if !ok || !consists(secret, urlSafe, 60) {
		return legacyClaim{}, false
	}
	return legacyClaim{`"id"`, id, sha256Hex(secret)}, true
}

func adonisID(encoded string) (int64, bool) {
	text, ok := fromBase64(encoded)
	if !ok {
		return 0, false
	}
	return legacyID(text)
}

// fromBase64 takes one spelling of each text, as AdonisJS does.
func fromBase64(encoded string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	return string(b), err == nil && base64.RawURLEncoding.EncodeToString(b) == encoded
}

// AdonisAccessTokens are the access tokens of AdonisJS 6 and 7 (@adonisjs/auth 9 and 10) in
// the table auth_access_tokens. Make it with [NewAdonisAccessTokens].
type AdonisAccessTokens struct{ legacyTokens }

// AdonisAccessOptions are the options of [NewAdonisAccessTokens], with the defaults of
// DbAccessTokensProvider.
type AdonisAccessOptions struct {
	Table  string // a schema may be before it; "": auth_access_tokens
	Type   string // "": auth_token
	Prefix string // "": oat_

	Zone  *time.Location   // of times that do not say theirs; nil: UTC
	Clock func() time.Time // nil: time.Now
}

// NewAdonisAccessTokens returns the tokens of a table. It panics without a database and for
// options that cannot be used. Ids are positive integers; abilities become scopes.
func NewAdonisAccessTokens(db LegacyDatabase, o AdonisAccessOptions) *AdonisAccessTokens {
	o.Prefix = cmp.Or(o.Prefix, "oat_")
	prefix := legacyPrefix("AdonisAccessOptions.Prefix", o.Prefix)
	rows := newLegacyRows(legacyRows{
		db: db, table: quoted("AdonisAccessOptions.Table", o.Table, "auth_access_tokens", 2),
		kind: kindOf("AdonisAccessOptions.Type", o.Type, "auth_token"), zone: o.Zone, clock: o.Clock,
		columns: legacyColumns{
			subject: `"tokenable_id"`, proof: `"hash"`, kind: `"type"`, name: `"name"`, scopes: `"abilities"`, expires: `"expires_at"`,
		},
	})
	return &AdonisAccessTokens{legacyTokens{rows, func(text string) (legacyClaim, bool) { return parseAdonisAccess(prefix, text) }}}
}

// parseAdonisAccess reads prefix base64url(id).base64url(secret), whose secret is a random
// text and its checksum.
func parseAdonisAccess(prefix, text string) (legacyClaim, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	first, second, dotted := strings.Cut(rest, ".")
	id, isID := adonisID(first)
	secret, isText := fromBase64(second)
	if !ok || !dotted || !isID || !isText || !hasDecimalSum(secret) {
		return legacyClaim{}, false
	}
	return legacyClaim{`"id"`, id, sha256Hex(secret)}, true
}

// hasDecimalSum reports whether a text ends with the CRC-32, in decimal, of what is before.
// How long either is depends on the configuration.
func hasDecimalSum(secret string) bool {
	if strings.Trim(secret, urlSafe) != "" {
		return false
	}
	for n := 1; n <= 10 && n < len(secret); n++ {
		seed, sum := secret[:len(secret)-n], secret[len(secret)-n:]
		if strconv.FormatUint(uint64(crc32Of(seed)), 10) == sum {
			return true
		}
	}
	return false
}
