package strategies

import (
	"cmp"
	"time"
)

// APIGuardTokens are the refresh tokens of the Ruby gem api_guard in the table
// refresh_tokens. They are stored as they are, so the database finds them, and whoever has
// the table has them. Make it with [NewAPIGuardTokens].
type APIGuardTokens struct{ legacyTokens }

// APIGuardOptions are the options of [NewAPIGuardTokens].
type APIGuardOptions struct {
	Table    string // a schema may be before it; "": refresh_tokens
	Resource string // whose the tokens are, by the column <resource>_id; "": user

	// Scopes are what the tokens are to allow, which know no scopes; nil: nothing that
	// RequireScopes guards, "*": everything.
	Scopes []string

	Zone  *time.Location   // of the times, which do not say theirs; nil: UTC, as Rails writes them
	Clock func() time.Time // nil: time.Now
}

// NewAPIGuardTokens returns the refresh tokens of a resource. It panics without a database
// and for options that cannot be used. A token whose expire_at is NULL does not expire. The
// table needs that column, which came with api_guard 0.6.
func NewAPIGuardTokens(db LegacyDatabase, o APIGuardOptions) *APIGuardTokens {
	o.Resource = cmp.Or(o.Resource, "user")
	rows := newLegacyRows(legacyRows{
		db: db, table: quoted("APIGuardOptions.Table", o.Table, "refresh_tokens", 2), scopes: o.Scopes, zone: o.Zone, clock: o.Clock,
		columns: legacyColumns{
			subject: quoted("APIGuardOptions.Resource", o.Resource+"_id", "", 1), proof: `"token"`, expires: `"expire_at"`,
		},
	})
	return &APIGuardTokens{legacyTokens{rows, parseAPIGuard}}
}

// parseAPIGuard reads 16 random bytes in base64url.
func parseAPIGuard(text string) (legacyClaim, bool) {
	return legacyClaim{`"token"`, text, text}, consists(text, urlSafe, 22)
}
