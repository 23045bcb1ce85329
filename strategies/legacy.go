package strategies

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kahu-go/kahu/internal/cell"
)

// LegacyTokens know the tokens of another system in its own table: [AdonisTokens],
// [AdonisAccessTokens], [SanctumTokens], [APIGuardTokens], or one of yours. With
// [Bearer.Exchange] and [JWT.Exchange] each is accepted once, for one of ours: so people
// move from that system to yours and are not logged out.
//
// Find and Take return nil, nil for a text that is none of theirs: malformed, unknown,
// forged, expired. An error is a fault.
type LegacyTokens interface {
	// Find returns what a token is worth and changes nothing.
	Find(ctx context.Context, text string) (*LegacyToken, error)

	// Take is Find and removes the token, in one atomic step: of many calls one gets it. What
	// was not verified is not removed.
	Take(ctx context.Context, text string) (*LegacyToken, error)

	// RevokeAll removes the tokens of a subject and returns how many there were. Call it where
	// you end our tokens, and before you do: when the password changes, when an account is
	// disabled or deleted. Else a stolen old token is good for a new one afterwards.
	RevokeAll(ctx context.Context, subject string) (int, error)
}

// A LegacyToken is what a token of another system is worth.
type LegacyToken struct {
	Subject string // whose it is, as the other system names its users in its own table
	Name    string
	Scopes  []string  // none: nothing that RequireScopes guards, "*": everything
	Expires time.Time // zero: never
}

// A LegacyDatabase is a *bun.DB, or another that puts arguments where a query has a ?.
type LegacyDatabase interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// legacyTokens are the tokens of a table whose texts parse understands.
type legacyTokens struct {
	rows  legacyRows
	parse func(text string) (legacyClaim, bool)
}

// A legacyClaim is what a text says of itself: in which row it is, and what the row must
// have as its proof.
type legacyClaim struct {
	column string // quoted
	value  any
	proof  string
}

const maxLegacyText = 512

// Find is one query, and none for a text that cannot be one of theirs.
func (l *legacyTokens) Find(ctx context.Context, text string) (*LegacyToken, error) {
	c, ok := l.claim(text)
	if !ok {
		return nil, ctx.Err()
	}
	return l.rows.find(ctx, c)
}

// Take is the query of Find and, if that has verified the token, one statement that removes
// it. It is repeated at most twice after a fault that passes; if the answer of the database
// was lost, it may have removed the token and find none.
func (l *legacyTokens) Take(ctx context.Context, text string) (*LegacyToken, error) {
	c, ok := l.claim(text)
	if !ok {
		return nil, ctx.Err()
	}
	if found, err := l.rows.find(ctx, c); err != nil || found == nil {
		return nil, err
	}
	return l.rows.take(ctx, c)
}

// RevokeAll is one statement.
func (l *legacyTokens) RevokeAll(ctx context.Context, subject string) (int, error) {
	if subject == "" || !cell.Valid(subject, 255) {
		return 0, ctx.Err()
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	return l.rows.revoke(ctx, subject)
}

func (l *legacyTokens) claim(text string) (legacyClaim, bool) {
	if len(text) > maxLegacyText {
		return legacyClaim{}, false
	}
	return l.parse(text)
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// quoted returns a name of the options as SQL, the default if it is "". A table may have a
// schema before it. It panics for what is no plain identifier.
func quoted(option, name, unset string, parts int) string {
	name = cmp.Or(name, unset)
	split := strings.Split(name, ".")
	for _, part := range split {
		if len(split) > parts || !identifier.MatchString(part) {
			panic(fmt.Sprintf("strategies: %s: %q: letters, digits and underscores, no digit first, at most 63", option, name))
		}
	}
	return `"` + strings.Join(split, `"."`) + `"`
}

// kindOf returns the type of tokens that an option names.
func kindOf(option, name, unset string) string {
	name = cmp.Or(name, unset)
	if len(name) > 255 || strings.ContainsFunc(name, hidden) {
		panic("strategies: " + option + ": printable, at most 255 bytes")
	}
	return name
}

// legacyPrefix refuses prefixes that no token can have.
func legacyPrefix(option, prefix string) string {
	if len(prefix) > 64 || strings.ContainsFunc(prefix, func(r rune) bool { return r <= ' ' || r > '~' || r == '|' }) {
		panic("strategies: " + option + ": printable ASCII without spaces and '|', at most 64")
	}
	return prefix
}

// legacyID reads the id of a row as it is written: integers that begin with 1, in one
// spelling. Larger ones than the database has would be a fault there.
func legacyID(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0 && strconv.FormatInt(id, 10) == text
}

// consists reports whether a text has n characters of these.
func consists(text, of string, n int) bool {
	return len(text) == n && strings.Trim(text, of) == ""
}

func crc32Of(text string) uint32 { return crc32.ChecksumIEEE([]byte(text)) }
