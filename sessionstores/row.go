package sessionstores

import (
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
)

// columns are those of a [row] in order.
const columns = "kind, subject, data, version, created, logged_in, seen, idle_until, until, address, agent"

// expires is the expression of the index sessions_expiry.
const expires = "(CASE WHEN idle_until < until THEN idle_until ELSE until END)"

// A row is a session as the database returns it. Times are whole microseconds since
// 1970, as [cell.Micro] says.
type row struct {
	kind, subject, address, agent                      cell.Text
	data                                               []byte
	version, created, loggedIn, seen, idleUntil, until cell.Integer
}

func (r *row) dest() []any {
	return []any{&r.kind, &r.subject, &r.data, &r.version, &r.created, &r.loggedIn, &r.seen, &r.idleUntil, &r.until,
		&r.address, &r.agent}
}

// over reports whether the session had ended at a time, also of a row that is damaged.
func (r *row) over(now int64) bool {
	return r.idleUntil.OK && r.idleUntil.N <= now || r.until.OK && r.until.N <= now
}

func (r *row) record() (*app.SessionRecord, error) {
	for _, n := range []cell.Integer{r.version, r.created, r.seen, r.idleUntil, r.until} {
		if !n.OK {
			return nil, damaged("a column that is no integer")
		}
	}
	data, err := decodeData(r.data)
	if err != nil {
		return nil, err
	}
	return &app.SessionRecord{
		Kind: string(r.kind), Subject: string(r.subject), Data: data, Version: r.version.N,
		Created: r.created.Time(), LoggedIn: r.loggedIn.Time(), Seen: r.seen.Time(),
		IdleUntil: r.idleUntil.Time(), Until: r.until.Time(),
		Address: string(r.address), Agent: string(r.agent),
	}, nil
}
