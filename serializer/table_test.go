package serializer_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
)

const hash = "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

// user is a model as applications have it, with a hash that must not get out.
type user struct {
	bun.BaseModel `bun:"table:users"`

	ID           int64 `bun:",pk,autoincrement"`
	Username     string
	Name         *string
	Email        string
	Roles        map[string]bool
	Avatar       []byte
	Active       bool
	Born         time.Time
	PasswordHash *string
}

func frodo() *user {
	name, secret := "Frodo Baggins", hash
	return &user{Username: "frodo", Name: &name, Email: "frodo@shire.example", Roles: map[string]bool{"bearer": true},
		Avatar: []byte{0, 1, 255}, Active: true, Born: time.Date(2968, 9, 22, 1, 2, 3, 4000, time.UTC), PasswordHash: &secret}
}

func sam() *user {
	return &user{Username: "sam", Email: "sam@shire.example", Born: time.Date(2980, 4, 6, 0, 0, 0, 0, time.UTC)}
}

func TestTable(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		create(t, db, frodo(), sam())
		users := serializer.NewTable[user](db, serializer.TableOptions{})

		t.Run("a user comes back from its subject by one query, without the hash", func(t *testing.T) {
			subject, err := users.Serialize(t.Context(), &user{ID: 1})
			require.NoError(t, err)
			assert.Equal(t, "1", subject)
			trace.Reset()
			got, err := users.Deserialize(t.Context(), subject)
			require.NoError(t, err)
			assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
			assertFrodo(t, got.(*user))
			for _, call := range trace.Calls() {
				assert.NotContains(t, call.Text, "password_hash")
			}
		})
		t.Run("a struct serves as well as a pointer", func(t *testing.T) {
			subject, err := users.Serialize(t.Context(), user{ID: 2})
			require.NoError(t, err)
			assert.Equal(t, "2", subject)
		})
		t.Run("other users are refused", func(t *testing.T) {
			for _, other := range []any{nil, (*user)(nil), "frodo", 1, &struct{ ID int }{1}} {
				_, err := users.Serialize(t.Context(), other)
				require.Error(t, err, "%T", other)
			}
		})
		t.Run("subjects of nobody say that the user is gone", func(t *testing.T) {
			for _, subject := range append([]string{"3", "-1", "0", "9223372036854775807"}, notIntegers...) {
				got, err := users.Deserialize(t.Context(), subject)
				require.ErrorIs(t, err, sql.ErrNoRows, "%q", subject)
				assert.True(t, got == nil)
			}
		})
		t.Run("text that is no key costs no query", func(t *testing.T) {
			trace.Reset()
			for _, subject := range notIntegers {
				_, err := users.ByID(t.Context(), subject)
				require.ErrorIs(t, err, sql.ErrNoRows, "%q", subject)
			}
			assert.Empty(t, trace.Calls())
		})
		t.Run("a fault is no missing user", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := users.Deserialize(ctx, "1")
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, sql.ErrNoRows)
		})
	})
}

// notIntegers are texts that no integer is written as.
var notIntegers = []string{"", " 1", "1 ", "+1", "01", "-0", "1.0", "1e0", "0x1", "१", "one", "1\x00", "1; DROP TABLE users", "' OR 1=1 --",
	"9223372036854775808", "-9223372036854775809", strings.Repeat("9", 300), "\xff", "NULL", "1'"}

func assertFrodo(t *testing.T, got *user) {
	t.Helper()
	want := frodo()
	want.ID, want.PasswordHash = 1, nil
	assert.True(t, want.Born.Equal(got.Born), "got %s, want %s", got.Born, want.Born)
	c := *got
	c.Born = want.Born
	assert.Equal(t, want, &c)
}

func TestByName(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		gandalf := sam()
		gandalf.Username, gandalf.Email = "gandalf", "frodo" // an e-mail that is another's name
		create(t, db, frodo(), sam(), gandalf)
		users := serializer.NewTable[user](db, serializer.TableOptions{})

		for _, name := range []string{"frodo", "Frodo Baggins", "frodo@shire.example"} {
			t.Run(name+" is found by one query, the hash beside the user", func(t *testing.T) {
				trace.Reset()
				got, secret, err := users.ByNameWithHash(t.Context(), name)
				require.NoError(t, err)
				assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
				assert.Equal(t, hash, secret)
				assertFrodo(t, got)
				assert.NotContains(t, fmt.Sprintf("%+v", got), hash)

				trace.Reset()
				got, err = users.ByName(t.Context(), name)
				require.NoError(t, err)
				assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
				assertFrodo(t, got)
			})
		}
		t.Run("a user without a password has an empty hash", func(t *testing.T) {
			got, secret, err := users.ByNameWithHash(t.Context(), "sam")
			require.NoError(t, err)
			assert.Equal(t, "sam", got.Username)
			assert.Empty(t, secret)
		})
		t.Run("unknown names are no rows", func(t *testing.T) {
			for _, name := range []string{"sauron", "Frodo", "fr%", "_am", "*", "frodo ", "' OR 1=1 --", `\' OR 1=1) --`, "?", "?0", "$1", `"`,
				strings.Repeat("a", 256)} {
				_, secret, err := users.ByNameWithHash(t.Context(), name)
				require.ErrorIs(t, err, sql.ErrNoRows, "%q", name)
				assert.Empty(t, secret)
			}
		})
		t.Run("text that cannot be stored costs no query", func(t *testing.T) {
			trace.Reset()
			for _, name := range []string{"", "\x00", "frodo\x00", "frodo\xff", "\xfe", "fro\ndo", "\x1b[2J", "\u0085", strings.Repeat("a", 257)} {
				_, _, err := users.ByNameWithHash(t.Context(), name)
				require.ErrorIs(t, err, sql.ErrNoRows, "%q", name)
				_, err = users.ByName(t.Context(), name)
				require.ErrorIs(t, err, sql.ErrNoRows, "%q", name)
			}
			assert.Empty(t, trace.Calls())
		})
		t.Run("the column that stands first counts", func(t *testing.T) {
			other := serializer.NewTable[user](db, serializer.TableOptions{LookUp: []string{"email", "username"}})
			got, err := other.ByName(t.Context(), "frodo")
			require.NoError(t, err)
			assert.Equal(t, "gandalf", got.Username)
			got, err = users.ByName(t.Context(), "frodo")
			require.NoError(t, err)
			assert.Equal(t, "frodo", got.Username)
		})
		t.Run("columns that were not named are not asked", func(t *testing.T) {
			other := serializer.NewTable[user](db, serializer.TableOptions{LookUp: []string{"email"}})
			_, err := other.ByName(t.Context(), "sam")
			require.ErrorIs(t, err, sql.ErrNoRows)
		})
		t.Run("a name that two users share in one column is a fault", func(t *testing.T) {
			exec(t, db, "UPDATE users SET username = 'twin' WHERE id > 1")
			_, _, err := users.ByNameWithHash(t.Context(), "twin")
			require.ErrorContains(t, err, "unique index")
			require.NotErrorIs(t, err, sql.ErrNoRows)
		})
	})
}

// lean is the same table without a field for the hash.
type lean struct {
	bun.BaseModel `bun:"table:users"`

	ID    int64 `bun:",pk"`
	Email string
}

func TestHashes(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		create(t, db, frodo(), sam())
		users := serializer.NewTable[lean](db, serializer.TableOptions{})

		t.Run("the model needs no field for the hash", func(t *testing.T) {
			got, secret, err := users.ByNameWithHash(t.Context(), "frodo@shire.example")
			require.NoError(t, err)
			assert.Equal(t, &lean{ID: 1, Email: "frodo@shire.example"}, got)
			assert.Equal(t, hash, secret)
		})
		t.Run("SetHash is one statement and changes one row", func(t *testing.T) {
			trace.Reset()
			require.NoError(t, users.SetHash(t.Context(), &lean{ID: 2}, `new'\?hash`))
			assert.Equal(t, sqltrace.Counts{Execs: 1}, trace.Counts())
			assertHash(t, users, "sam@shire.example", `new'\?hash`)
			assertHash(t, users, "frodo@shire.example", hash)
		})
		t.Run("SetHash of a user who is gone is no rows", func(t *testing.T) {
			require.ErrorIs(t, users.SetHash(t.Context(), lean{ID: 99}, hash), sql.ErrNoRows)
			require.Error(t, users.SetHash(t.Context(), "sam", hash))
		})
		t.Run("ReplaceHash never undoes a change made meanwhile", func(t *testing.T) {
			trace.Reset()
			require.NoError(t, users.ReplaceHash(t.Context(), &lean{ID: 1}, "another", "stale"))
			assert.Equal(t, sqltrace.Counts{Execs: 1}, trace.Counts())
			assertHash(t, users, "frodo@shire.example", hash)
			require.NoError(t, users.ReplaceHash(t.Context(), &lean{ID: 1}, hash, "better"))
			assertHash(t, users, "frodo@shire.example", "better")
		})
		t.Run("another table and column can be named", func(t *testing.T) {
			exec(t, db, `CREATE TABLE "People" (id bigint PRIMARY KEY, email text, "Secret" text)`)
			exec(t, db, `INSERT INTO "People" VALUES (7, 'bilbo@shire.example', 'x')`)
			people := serializer.NewTable[lean](db, serializer.TableOptions{Name: "People", Hash: "Secret"})
			require.NoError(t, people.SetHash(t.Context(), &lean{ID: 7}, "y"))
			assertHash(t, people, "bilbo@shire.example", "y")
			got, err := people.ByID(t.Context(), "7")
			require.NoError(t, err)
			assert.Equal(t, "bilbo@shire.example", got.Email)
		})
	})
}

func assertHash(t *testing.T, users *serializer.Table[lean], name, want string) {
	t.Helper()
	_, got, err := users.ByNameWithHash(t.Context(), name)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
