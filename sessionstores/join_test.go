package sessionstores_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

type user struct {
	ID           int64 `bun:",pk"`
	Name         *string
	Roles        map[string]bool
	Avatar       []byte
	Active       bool
	Born         time.Time
	PasswordHash string
}

type userByUUID struct {
	ID   uuid.UUID `bun:",pk,type:uuid"`
	Name string
}

type userByText struct {
	ID   string `bun:",pk"`
	Name string
}

func create[U any](t testing.TB, db *bun.DB, users ...*U) {
	t.Helper()
	_, err := db.NewCreateTable().Model((*U)(nil)).Exec(t.Context())
	require.NoError(t, err)
	for _, u := range users {
		_, err := db.NewInsert().Model(u).Exec(t.Context())
		require.NoError(t, err)
	}
}

func frodo() *user {
	name := "Frodo"
	return &user{ID: 7, Name: &name, Roles: map[string]bool{"bearer": true}, Avatar: []byte{0, 255}, Active: true,
		Born: time.Date(2968, 9, 22, 1, 2, 3, 4000, time.UTC), PasswordHash: "$2a$12$secret"}
}

// notIntegers are subjects of no integer key. NUL cannot be stored on Postgres.
var notIntegers = []string{"frodo", " 7", "7 ", "07", "+7", "-0", "7.0", "7e0", "0x7", "' OR 1=1 --", "NULL", "9223372036854775808",
	"-9223372036854775809", strings.Repeat("9", 300), "7\n", "٧"}

func TestJoinedUsersPassTheSuite(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		create(t, db, frodo())
		users := serializer.NewTable[user](db, serializer.TableOptions{})
		storetest.Run(t, func(t *testing.T) app.SessionStore {
			_, err := db.ExecContext(t.Context(), "DELETE FROM sessions")
			require.NoError(t, err)
			return unjoined{sessionstores.NewBun(db).JoinUsers(users).(*sessionstores.Bun)}
		})
	})
}

// unjoined hides the users, which the suite wants of no store.
type unjoined struct{ *sessionstores.Bun }

func (u unjoined) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	r, err := u.Bun.Find(ctx, key)
	if r != nil {
		r.User, r.Joined = nil, false
	}
	return r, err
}

func TestJoinUsers(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			require.NoError(t, sessionstores.Migrate(t.Context(), db))
			create(t, db, frodo())
			users := serializer.NewTable[user](db, serializer.TableOptions{})
			store := sessionstores.NewBun(db).JoinUsers(users)

			t.Run("a session and its user are one query, without the hash", func(t *testing.T) {
				require.NoError(t, store.Insert(t.Context(), "key", "", record("7")))
				_, err := store.Find(t.Context(), "key")
				require.NoError(t, err)
				trace.Reset()
				r, err := store.Find(t.Context(), "key")
				require.NoError(t, err)
				assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts(), "prepared before")
				for _, call := range trace.Calls() {
					assert.NotContains(t, call.Text, "password_hash")
				}
				assert.True(t, r.Joined)
				want, err := users.Deserialize(t.Context(), "7")
				require.NoError(t, err)
				assert.Equal(t, want, r.User, "as a query of the table returns the user")
				assert.Empty(t, r.User.(*user).PasswordHash)
			})
			t.Run("a user who is gone is nil", func(t *testing.T) {
				require.NoError(t, store.Insert(t.Context(), "gone", "", record("8")))
				r, err := store.Find(t.Context(), "gone")
				require.NoError(t, err)
				assert.True(t, r.Joined)
				assert.True(t, r.User == nil)
			})
			t.Run("a subject that is no key is a user who is gone", func(t *testing.T) {
				for _, subject := range notIntegers {
					require.NoError(t, store.Insert(t.Context(), "odd"+subject, "", record(subject)))
					r, err := store.Find(t.Context(), "odd"+subject)
					require.NoError(t, err, "%q", subject)
					assert.True(t, r.Joined)
					assert.True(t, r.User == nil, "%q", subject)
					_, err = users.Deserialize(t.Context(), subject)
					require.Error(t, err, "the table says the same")
				}
			})
			t.Run("nobody's session joins nobody", func(t *testing.T) {
				require.NoError(t, store.Insert(t.Context(), "nobody", "", record("")))
				r, err := store.Find(t.Context(), "nobody")
				require.NoError(t, err)
				assert.False(t, r.Joined)
				assert.Nil(t, r.User)
			})
		})
	}
}

func TestJoinsThatCannotBe(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := sessionstores.NewBun(db)
		t.Run("users who are no table are not joined", func(t *testing.T) {
			users := serializer.New(func(name string) string { return name },
				func(_ context.Context, key string) (string, error) { return key, nil })
			assert.Same(t, store, store.JoinUsers(users))
			assert.Same(t, store, store.JoinUsers(nil))
		})
		t.Run("users of another database are not joined", func(t *testing.T) {
			other := migrated(t, "file:"+filepath.Join(t.TempDir(), "users.db"))
			assert.Same(t, store, store.JoinUsers(serializer.NewTable[user](other, serializer.TableOptions{})))
		})
		t.Run("users of the same database through another Bun are", func(t *testing.T) {
			same := bun.NewDB(db.DB, db.Dialect())
			assert.NotSame(t, store, store.JoinUsers(serializer.NewTable[user](same, serializer.TableOptions{})))
		})
	})
}

// able are users of a table but those who are disabled.
type able struct{ *serializer.Table[user] }

func (able) Deserialize(context.Context, string) (any, error) { return nil, nil }

// Trap: what embeds a table has the methods by which it is joined, and its own way to
// deserialize would be passed by.
func TestUsersWhoEmbedATableAreNotJoined(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		create(t, db, frodo())
		store, users := sessionstores.NewBun(db), serializer.NewTable[user](db, serializer.TableOptions{})
		require.NoError(t, store.Insert(t.Context(), "key", "", record("7")))
		for _, embedded := range []app.Serializer{able{users}, &able{users}, able{}} {
			assert.Same(t, store, store.JoinUsers(embedded), "%T", embedded)
			r, err := store.JoinUsers(users).(app.UserJoiner).JoinUsers(embedded).Find(t.Context(), "key")
			require.NoError(t, err)
			assert.False(t, r.Joined)
			assert.Nil(t, r.User)
		}
	})
}

// A model does not say what its table's columns really are.
func TestJoinOfATableThatIsNotAsItsModelSays(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
		for _, query := range []string{"CREATE TABLE user_by_texts (id uuid PRIMARY KEY, name text)",
			"INSERT INTO user_by_texts VALUES ('" + id + "', 'frodo')"} {
			_, err := db.ExecContext(t.Context(), query)
			require.NoError(t, err)
		}
		store := sessionstores.NewBun(db).JoinUsers(serializer.NewTable[userByText](db, serializer.TableOptions{}))
		require.NoError(t, store.Insert(t.Context(), "key", "", record(id)))
		for range 2 {
			r, err := store.Find(t.Context(), "key")
			require.NoError(t, err)
			assert.Equal(t, id, r.Subject)
			assert.Equal(t, db.Dialect().Name() == dialect.SQLite, r.Joined, "Postgres compares no uuid with text")
		}
	})
}

func TestJoinIsAnIndexSearch(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		create(t, db, frodo())
		create(t, db, &userByUUID{uuid.New(), "frodo"})
		create(t, db, &userByText{"frodo", "frodo"})
		assertIndexed(t, db, serializer.NewTable[user](db, serializer.TableOptions{}))
		assertIndexed(t, db, serializer.NewTable[userByUUID](db, serializer.TableOptions{}))
		assertIndexed(t, db, serializer.NewTable[userByText](db, serializer.TableOptions{}))
	})
}

func assertIndexed(t *testing.T, db *bun.DB, users sessionstores.UserTable) {
	t.Helper()
	table, key, names := users.JoinColumns()
	require.NotEmpty(t, table)
	plan := explain(t, db, "SELECT s.kind, u."+strings.Join(names, ", u.")+" FROM sessions AS s LEFT JOIN "+table+
		" AS u ON u."+key+" = "+users.JoinKey("s.subject")+" WHERE s.id = 'key'")
	if db.Dialect().Name() == dialect.SQLite {
		assert.Contains(t, plan, "SEARCH s USING INDEX")
		assert.Contains(t, plan, "SEARCH u USING")
		assert.NotContains(t, plan, "AUTOMATIC")
		assert.NotContains(t, plan, "SCAN")
		return
	}
	assert.Contains(t, plan, "Index Cond: (id = 'key'::text)")
	assert.Regexp(t, `Index Cond: \(.*id.* = .*subject`, plan)
	assert.NotContains(t, plan, "Seq Scan")
}

// explain returns the plan of a query. Tables are as good as empty here, where
// Postgres would rather read them whole: that is forbidden unless there is no other way.
func explain(t *testing.T, db *bun.DB, query string) string {
	t.Helper()
	prefix := "EXPLAIN QUERY PLAN "
	if db.Dialect().Name() == dialect.PG {
		prefix = "EXPLAIN "
	}
	var lines []string
	err := db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		if db.Dialect().Name() == dialect.PG {
			if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"); err != nil {
				return err
			}
		}
		rows, err := tx.Tx.QueryContext(ctx, prefix+query)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				return err
			}
			text, _ := (*values[len(values)-1].(*any)).(string)
			lines = append(lines, text)
		}
		return rows.Err()
	})
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}
