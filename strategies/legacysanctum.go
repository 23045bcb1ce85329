package strategies

import (
	"fmt"
	"strings"
	"time"
)

// SanctumTokens are the tokens of Laravel Sanctum in the table personal_access_tokens. Make
// it with [NewSanctumTokens].
type SanctumTokens struct{ legacyTokens }

// SanctumOptions are the options of [NewSanctumTokens].
type SanctumOptions struct {
	Table  string // a schema may be before it; "": personal_access_tokens
	Type   string // tokenable_type, a class or its name in the morph map; "": App\Models\User
	Prefix string // token_prefix of its configuration; tokens from before there was one are taken too

	// Expiry is expiration of its configuration: how long after it was made a token ends,
	// beside its own expires_at; 0: no limit.
	Expiry time.Duration

	Zone  *time.Location   // timezone of its application, in which times are stored; nil: UTC
	Clock func() time.Time // nil: time.Now
}

// NewSanctumTokens returns the tokens of a table. It panics without a database and for
// options that cannot be used. Ids are positive integers; abilities become scopes. The table
// needs the column expires_at, which came with Sanctum 3.
func NewSanctumTokens(db LegacyDatabase, o SanctumOptions) *SanctumTokens {
	prefix := legacyPrefix("SanctumOptions.Prefix", o.Prefix)
	if o.Expiry != 0 && !sensible(o.Expiry) {
		panic("strategies: SanctumOptions.Expiry is negative or over 100 years")
	}
	rows := newLegacyRows(legacyRows{
		db: db, table: quoted("SanctumOptions.Table", o.Table, "personal_access_tokens", 2),
		kind: kindOf("SanctumOptions.Type", o.Type, `App\Models\User`), life: o.Expiry, zone: o.Zone, clock: o.Clock,
		columns: legacyColumns{
			subject: `"tokenable_id"`, proof: `"token"`, kind: `"tokenable_type"`,
			name: `"name"`, scopes: `"abilities"`, expires: `"expires_at"`, created: `"created_at"`,
		},
	})
	return &SanctumTokens{legacyTokens{rows, func(text string) (legacyClaim, bool) { return parseSanctum(prefix, text) }}}
}

// parseSanctum reads id|secret. The first tokens had no id; Sanctum takes a secret alone to
// this day.
func parseSanctum(prefix, text string) (legacyClaim, bool) {
	before, secret, divided := strings.Cut(text, "|")
	if !divided {
		secret = text
	}
	if !isSanctumSecret(secret) {
		rest, ok := strings.CutPrefix(secret, prefix)
		if !ok || !isSanctumSecret(rest) {
			return legacyClaim{}, false
		}
	}
	proof := sha256Hex(secret)
	if !divided {
		return legacyClaim{`"token"`, proof, proof}, true
	}
	id, ok := legacyID(before)
	return legacyClaim{`"id"`, id, proof}, ok
}

// isSanctumSecret tells random letters and digits, since Sanctum 3.3 with the CRC-32 of them.
func isSanctumSecret(text string) bool {
	const random, sum, first = 40, 8, 80
	switch len(text) {
	case random, first:
		return consists(text, digits, len(text))
	case random + sum:
		return consists(text[:random], digits, random) && fmt.Sprintf("%08x", crc32Of(text[:random])) == text[random:]
	}
	return false
}
