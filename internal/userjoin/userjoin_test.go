package userjoin_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/internal/userjoin"
)

// people are users whose names are in a table.
type people struct {
	db    *bun.DB
	table string
	key   string // the expression of a subject
}

func (p people) Itself() any { return p }

func (p people) Database() *bun.DB { return p.db }

func (p people) JoinColumns() (table, key string, columns []string) {
	return p.table, `"id"`, []string{`"id"`, `"name"`}
}

func (p people) JoinKey(subject string) string { return p.key + subject }

func (p people) ScanJoined(values []any) (any, error) {
	if values[0] == nil {
		return nil, nil
	}
	if values[1] == "Gollum" {
		return nil, errGollum
	}
	return values[1], nil
}

// elves are people, and none of them is to be loaded without being asked.
type elves struct{ people }

// orcs cannot be compared.
type orcs struct {
	people
	_ []string
}

func (o orcs) Itself() any { return o }

var errGollum = errors.New("no such person")

func onBoth(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	for name, address := range map[string]string{"sqlite": "file:" + filepath.Join(t.TempDir(), "app.db"), "postgres": ""} {
		t.Run(name, func(t *testing.T) {
			if address == "" {
				address = pgtest.URL(t)
			}
			db, trace := sqltrace.Open(t, address)
			for _, text := range []string{"CREATE TABLE people (id text PRIMARY KEY, name text)", "CREATE TABLE numbers (id bigint PRIMARY KEY, name text)",
				"INSERT INTO people VALUES ('f', 'Frodo'), ('g', 'Gollum')", "CREATE TABLE rings (id text, owner text)",
				"INSERT INTO rings VALUES ('one', 'f'), ('narya', 'x'), ('lost', 'g')"} {
				_, err := db.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			test(t, db, trace)
		})
	}
}

var rings = userjoin.Rows{Columns: "r.owner", From: "rings AS r", Where: "r.id = ?", Subject: "r.owner"}

func TestARowAndItsUserAreOneQuery(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		q, ok := userjoin.New(db, rings).Join(people{db: db, table: "people"})
		require.True(t, ok)
		for id, want := range map[string]any{"one": "Frodo", "narya": nil} {
			trace.Reset()
			var owner string
			user, err := q.Scan(t.Context(), []any{&owner}, id)
			require.NoError(t, err)
			assert.Equal(t, 1, trace.Counts().Queries)
			got, joined, err := user.Load()
			require.NoError(t, err)
			assert.True(t, joined)
			assert.Equal(t, want, got)
			assert.NotEmpty(t, owner)
		}
		_, err := q.Scan(t.Context(), []any{new(string)}, "vilya")
		require.ErrorIs(t, err, sql.ErrNoRows)
		user, err := q.Scan(t.Context(), []any{new(string)}, "lost")
		require.NoError(t, err)
		_, _, err = user.Load()
		require.ErrorIs(t, err, errGollum)
	})
}

func TestUsersWhoCannotBeJoined(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		plain := userjoin.New(db, rings)
		other, _ := sqltrace.Open(t, "file:"+filepath.Join(t.TempDir(), "other.db"))
		joined, ok := plain.Join(people{db: db, table: "people"})
		require.True(t, ok)
		for _, q := range []*userjoin.Query{plain, joined} {
			for _, users := range []any{nil, "frodo", people{}, people{db: other, table: "people"}, people{db: db},
				elves{people{db: db, table: "people"}}, &elves{people{db: db, table: "people"}}, orcs{people: people{db: db, table: "people"}}} {
				got, ok := q.Join(users)
				assert.False(t, ok)
				assert.Same(t, plain, got)
			}
		}
		user, err := plain.Scan(t.Context(), []any{new(string)}, "one")
		require.NoError(t, err)
		_, isJoined, err := user.Load()
		require.NoError(t, err)
		assert.False(t, isJoined)
	})
}

func TestAKeyThatCannotBeComparedJoinsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		if db.Dialect().Name() != dialect.PG {
			return // SQLite compares anything
		}
		q, ok := userjoin.New(db, rings).Join(people{db: db, table: "numbers"})
		require.True(t, ok)
		for range 2 {
			trace.Reset()
			user, err := q.Scan(t.Context(), []any{new(string)}, "one")
			require.NoError(t, err)
			_, joined, err := user.Load()
			require.NoError(t, err)
			assert.False(t, joined)
		}
		assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts(), "it is tried once")
	})
}
