package tokenstores

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/kahu-go/kahu/internal/cell"
)

// keys is what every key begins with. They share one hash tag, so that a script may
// change several on a cluster.
//
//	<keys>t:<name>  hash: a token; name is the length of the type, the type and the id
//	<keys>u:<who>   set: the names of a subject's tokens; who is a hash, never the text of a client
//	<keys>k:<type>  set: the names of a type's tokens
//	<keys>x         sorted set: <who><name> of every token that ends, by when
type keys string

func (k keys) token(typ, id string) string { return string(k) + "t:" + tokenName(typ, id) }

func (k keys) expiries() string { return string(k) + "x" }

// tokenName is another for every other type and id: the length tells where the id begins.
func tokenName(typ, id string) string { return strconv.Itoa(len(typ)) + ":" + typ + ":" + id }

// who names a type and subject in keys, in as many bytes for any text. Neither has a NUL.
func who(typ, subject string) string {
	sum := sha256.Sum256([]byte(typ + "\x00" + subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// slack is how much longer Redis keeps a token than its limits say.
const slack = time.Hour

// toFields returns names and values in turn. A time that is zero is "".
func toFields(r *record) []any {
	return []any{"who", who(r.Type, r.Subject), "type", r.Type, "id", r.ID, "subject", r.Subject, "hash", r.Hash, "name", r.Name,
		"scopes", r.scopes, "meta", r.meta, "created", r.Created.UnixMicro(), "last_used", microOrEmpty(r.LastUsed),
		"expires", microOrEmpty(r.Expires), "idle_limit", r.IdleLimit.Microseconds(), "address", r.Address, "successor", r.Successor,
		"state", r.State}
}

func microOrEmpty(t time.Time) any {
	if t.IsZero() {
		return ""
	}
	return t.UnixMicro()
}

// fromFields reads what toFields made.
func fromFields(fields map[string]string) (*Token, error) {
	return (&row{
		typ: cell.Text(fields["type"]), id: cell.Text(fields["id"]), subject: cell.Text(fields["subject"]),
		hash: cell.Text(fields["hash"]), name: cell.Text(fields["name"]), scopes: cell.Text(fields["scopes"]), meta: cell.Text(fields["meta"]),
		address: cell.Text(fields["address"]), successor: cell.Text(fields["successor"]),
		state:   cell.Text(fields["state"]), // one stored before there were states has none
		created: integer(fields["created"]), idleLimit: integer(fields["idle_limit"]),
		lastUsed: optionalInteger(fields, "last_used"), expires: optionalInteger(fields, "expires"),
	}).token()
}

func integer(text string) cell.Integer {
	n, err := strconv.ParseInt(text, 10, 64)
	return cell.Integer{N: n, OK: err == nil}
}

// optionalInteger is NULL for "". A field that is missing is damage and not a limit less.
func optionalInteger(fields map[string]string, field string) cell.Integer {
	if text, ok := fields[field]; text != "" || !ok {
		return integer(text)
	}
	return cell.Integer{Null: true}
}
