package sessionstores

import (
	"time"

	"github.com/kahu-go/kahu/app"
)

const columns = "s.kind, s.subject, s.data, s.version, s.created, s.logged_in, s.seen, s.idle_until, s.until, s.address, s.agent"

// expires is the expression of the index sessions_expiry.
const expires = "(CASE WHEN idle_until < until THEN idle_until ELSE until END)"

// A row is a session as the database returns it. Times are whole microseconds since
// 1970: both databases keep and compare these exactly, whatever the time zone or
// date format of a connection, which timestamps do not.
type row struct {
	kind, subject, address, agent                      text
	data                                               []byte
	version, created, loggedIn, seen, idleUntil, until integer
}

func (r *row) dest() []any {
	return []any{&r.kind, &r.subject, &r.data, &r.version, &r.created, &r.loggedIn, &r.seen, &r.idleUntil, &r.until,
		&r.address, &r.agent}
}

func (r *row) record() (*app.SessionRecord, error) {
	for _, n := range []integer{r.version, r.created, r.seen, r.idleUntil, r.until} {
		if !n.ok {
			return nil, damaged("a column that is no integer")
		}
	}
	data, err := decodeData(r.data)
	if err != nil {
		return nil, err
	}
	return &app.SessionRecord{
		Kind: string(r.kind), Subject: string(r.subject), Data: data, Version: r.version.n,
		Created: r.created.time(), LoggedIn: r.loggedIn.time(), Seen: r.seen.time(),
		IdleUntil: r.idleUntil.time(), Until: r.until.time(),
		Address: string(r.address), Agent: string(r.agent),
	}, nil
}

// text and integer scan anything without an error, so that an error of Scan is always
// a fault of the database and never a damaged row. SQLite stores any type in any column.
type text string

func (t *text) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*t = text(v)
	case []byte:
		*t = text(v)
	}
	return nil
}

type integer struct {
	n  int64
	ok bool // false for NULL and for what is no integer
}

func (i *integer) Scan(v any) error {
	i.n, i.ok = v.(int64)
	return nil
}

func (i integer) time() time.Time {
	if !i.ok {
		return time.Time{}
	}
	return time.UnixMicro(i.n).UTC()
}

// nullable is what is stored of a time that may be zero.
func nullable(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
