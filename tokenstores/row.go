package tokenstores

import (
	"math"
	"time"

	"github.com/kahu-go/kahu/internal/cell"
)

const columns = "t.type, t.id, t.subject, t.hash, t.name, t.scopes, t.meta, t.created, t.last_used, t.expires, t.idle_limit, " +
	"t.address, t.successor, t.state"

// ends is the expression of the expiry's index: when a token is over, as [Token.Live]
// says, or NULL.
const (
	used = "(CASE WHEN last_used > created THEN last_used ELSE created END)"
	ends = "(CASE WHEN idle_limit = 0 THEN expires WHEN expires <= " + used + " + idle_limit THEN expires ELSE " + used + " + idle_limit END)"
)

// A row is a token as the database returns it. Times are whole microseconds since 1970,
// as [cell.Micro] says.
type row struct {
	typ, id, subject, hash, name, scopes, meta, address, successor, state cell.Text
	created, lastUsed, expires, idleLimit                                 cell.Integer
}

func (r *row) dest() []any {
	return []any{&r.typ, &r.id, &r.subject, &r.hash, &r.name, &r.scopes, &r.meta, &r.created, &r.lastUsed, &r.expires, &r.idleLimit,
		&r.address, &r.successor, &r.state}
}

func (r *row) token() (*Token, error) {
	if !r.created.OK || !r.idleLimit.OK || !optional(r.lastUsed) || !optional(r.expires) {
		return nil, damaged("a time that is no integer")
	}
	t := &Token{
		ID: string(r.id), Type: string(r.typ), Subject: string(r.subject), Hash: string(r.hash), Name: string(r.name),
		Created: r.created.Time(), LastUsed: r.lastUsed.Time(), Expires: r.expires.Time(),
		Address: string(r.address), Successor: string(r.successor), State: string(r.state),
	}
	return t, t.restore(r.scopes, r.meta, r.idleLimit.N)
}

func optional(i cell.Integer) bool { return i.OK || i.Null }

// restore sets what has to be decoded, and checks what a comparison relies on: an empty
// hash must never be equal to one.
func (t *Token) restore(scopes, meta cell.Text, idle int64) (err error) {
	if t.Hash == "" || t.Subject == "" {
		return damaged("no hash or no subject")
	}
	if checkState(t.State) != nil {
		return damaged("a state that is no text")
	}
	if idle < 0 || idle > math.MaxInt64/int64(time.Microsecond) {
		return damaged("an idle limit out of range")
	}
	t.IdleLimit = time.Duration(idle) * time.Microsecond
	if t.Scopes, err = decodeScopes([]byte(scopes)); err != nil {
		return err
	}
	t.Meta, err = decodeMeta([]byte(meta))
	return err
}
