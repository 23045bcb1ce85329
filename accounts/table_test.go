package accounts_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/accounts/storetest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
)

// A hobbit is an application's own model: other names, a UUID, bools, and a field for the hash.
type hobbit struct {
	bun.BaseModel `bun:"table:hobbits"`

	Ident     uuid.UUID `bun:",pk,type:uuid"`
	Mail      *string   `bun:",unique"`
	Username  *string   `bun:",unique"`
	Nickname  string
	Secret    string `bun:"encrypted_password"`
	Confirmed bool
	Locked    *bool
	Made      bun.NullTime
	Role      string `bun:",nullzero,notnull,default:'hobbit'"`
}

var _ bun.BeforeAppendModelHook = (*hobbit)(nil)

func (h *hobbit) BeforeAppendModel(_ context.Context, q bun.Query) error {
	if _, ok := q.(*bun.InsertQuery); ok {
		h.Ident = uuid.New()
	} else {
		h.Nickname = "changed by a hook"
	}
	return nil
}

var hobbitOptions = accounts.TableOptions{Email: "mail", Hash: "encrypted_password", Verified: "confirmed", Disabled: "locked", Created: "made"}

func makeHobbits(t *testing.T, db *bun.DB) {
	t.Helper()
	_, err := db.NewCreateTable().Model((*hobbit)(nil)).Exec(t.Context())
	require.NoError(t, err)
}

func TestATableOfAnotherModelIsAStore(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		makeHobbits(t, db)
		require.NoError(t, accounts.NewTable[hobbit](db, hobbitOptions).Check(t.Context()))
		storetest.Run(t, func(t *testing.T) accounts.Store {
			execute(t, db, "DELETE FROM hobbits")
			return accounts.NewTable[hobbit](db, hobbitOptions)
		})
	})
}

func TestColumnsOfEverySortAreKept(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		makeHobbits(t, db)
		o := hobbitOptions
		o.Clock = func() time.Time { return start.Add(789).In(time.FixedZone("shire", 3600)) }
		table := accounts.NewTable[hobbit](db, o)
		made, err := table.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: "secret hash", Verified: true,
			Fields: map[string]string{"username": "frodo", "nickname": "Mr. Underhill"}})
		require.NoError(t, err)
		found, hash, err := table.ByEmail(t.Context(), "frodo@shire.example")
		require.NoError(t, err)
		assert.Equal(t, "secret hash", hash)
		for _, user := range []any{made, found} {
			u := user.(*hobbit)
			assert.NotEqual(t, uuid.Nil, u.Ident)
			assert.Equal(t, []any{"frodo@shire.example", "frodo", "Mr. Underhill", "hobbit", true}, []any{*u.Mail, *u.Username, u.Nickname, u.Role, u.Confirmed})
			assert.True(t, start.Equal(u.Made.Time), "in whole microseconds: %v", u.Made)
			assert.Empty(t, u.Secret, "no user has a hash")
			assert.Equal(t, accounts.Status{Email: "frodo@shire.example", Verified: true}, table.Status(*u))
		}
	})
}

func TestWhoIsDisabled(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		makeHobbits(t, db)
		require.NoError(t, accounts.Migrate(t.Context(), db))
		testDisable(t, accounts.NewTable[hobbit](db, hobbitOptions))
		testDisable(t, accounts.NewUsers(db, ""))
	})
}

// A user who is shared between goroutines must not be changed by the hooks of a query.
func TestAUserWhoIsGivenStaysAsTheyAre(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		makeHobbits(t, db)
		table := accounts.NewTable[hobbit](db, hobbitOptions)
		user := signUp(t, table, "frodo@shire.example").(*hobbit)
		before := *user
		_, err := table.ReplaceHash(t.Context(), user, "hash of frodo@shire.example", "new")
		require.NoError(t, err)
		_, err = table.ReplaceEmail(t.Context(), user, "frodo@shire.example", "sam@shire.example")
		require.NoError(t, err)
		require.NoError(t, table.Delete(t.Context(), user))
		assert.Equal(t, before, *user)
	})
}

func testDisable[U any](t *testing.T, table *accounts.Table[U]) {
	t.Helper()
	user := signUp(t, table, "lobelia@shire.example")
	for _, disabled := range []bool{true, true, false, true} {
		call := table.Enable
		if disabled {
			call = table.Disable
		}
		done, err := call(t.Context(), user)
		require.NoError(t, err)
		assert.True(t, done)
		found, _, err := table.ByEmail(t.Context(), "lobelia@shire.example")
		require.NoError(t, err)
		assert.Equal(t, disabled, table.Status(found).Disabled)
	}
	require.NoError(t, table.Delete(t.Context(), user))
	done, err := table.Disable(t.Context(), user)
	require.NoError(t, err)
	assert.False(t, done)
}

func TestTimesAreThoseOfTheClock(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		require.NoError(t, accounts.Migrate(t.Context(), db))
		now := start
		table := accounts.NewTable[accounts.User](db, accounts.TableOptions{Clock: func() time.Time { return now }})
		user := signUp(t, table, "frodo@shire.example")
		assertTimes := func(created, updated, verified time.Time) {
			t.Helper()
			found, _, err := table.ByEmail(t.Context(), "frodo@shire.example")
			require.NoError(t, err)
			u := found.(*accounts.User)
			assert.True(t, created.Equal(u.CreatedAt), u.CreatedAt)
			assert.True(t, updated.Equal(u.UpdatedAt), u.UpdatedAt)
			assert.True(t, verified.Equal(u.VerifiedAt), u.VerifiedAt)
		}
		assertTimes(start, start, time.Time{})
		now = start.Add(time.Hour)
		_, err := table.ReplaceHash(t.Context(), user, "hash of frodo@shire.example", "new")
		require.NoError(t, err)
		assertTimes(start, now, time.Time{})
		now = now.Add(time.Hour)
		_, err = table.Verify(t.Context(), user, "frodo@shire.example")
		require.NoError(t, err)
		assertTimes(start, now, now)
	})
}

func TestATakenFieldIsNamed(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		makeHobbits(t, db)
		table := accounts.NewTable[hobbit](db, hobbitOptions)
		sign := func(email, username string) error {
			_, err := table.Create(t.Context(), accounts.NewAccount{Email: email, Hash: "h", Fields: map[string]string{"username": username, "nickname": "x"}})
			return err
		}
		require.NoError(t, sign("frodo@shire.example", "frodo"))
		var taken *accounts.TakenError
		require.ErrorAs(t, sign("sam@shire.example", "frodo"), &taken)
		assert.Equal(t, "username", taken.Column)
		assert.EqualError(t, taken, `accounts: another account has this "username"`)
		require.ErrorIs(t, sign("frodo@shire.example", "frodo"), accounts.ErrEmailTaken, "the address counts first")
		require.NoError(t, sign("sam@shire.example", "sam"))
	})
}

// An index nobody told us of is a fault, and no taken address.
func TestAnotherUniqueIndexIsAFault(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		makeHobbits(t, db)
		execute(t, db, "CREATE UNIQUE INDEX one_role ON hobbits (role)")
		table := accounts.NewTable[hobbit](db, hobbitOptions)
		signUp(t, table, "frodo@shire.example")
		_, err := table.Create(t.Context(), accounts.NewAccount{Email: "sam@shire.example", Hash: "h"})
		require.ErrorContains(t, err, "accounts: create: a unique index other than those of the e-mail address and the fields refuses the account")
		require.NotErrorIs(t, err, accounts.ErrEmailTaken)
	})
}

func TestTextsThatCannotBeStoredAreNoFaults(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		makeHobbits(t, db)
		if db.Dialect().Name() == dialect.PG {
			execute(t, db, "ALTER TABLE hobbits ALTER COLUMN username TYPE varchar(5)")
		}
		table := accounts.NewTable[hobbit](db, hobbitOptions)
		user := signUp(t, table, "sam@shire.example")
		trace.Reset()
		for _, email := range []string{"", "Frodo@shire.example", " frodo@shire.example", "frodo@shire.example\x00", "\xff@shire.example", "e\u0301@shire.example",
			strings.Repeat("a", 257)} {
			_, err := table.Create(t.Context(), accounts.NewAccount{Email: email, Hash: "h"})
			require.ErrorIs(t, err, accounts.ErrUnstorable, "%q", email)
			_, err = table.ReplaceEmail(t.Context(), user, "sam@shire.example", email)
			require.ErrorIs(t, err, accounts.ErrUnstorable, "%q", email)
		}
		for _, text := range []string{"a\x00b", "\xff", strings.Repeat("a", 256)} {
			_, err := table.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: "h", Fields: map[string]string{"nickname": text}})
			require.ErrorIs(t, err, accounts.ErrUnstorable, "%q", text)
		}
		assert.Zero(t, trace.Counts(), "none of them is shown to the database")
		if db.Dialect().Name() == dialect.PG {
			_, err := table.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: "h", Fields: map[string]string{"username": "peregrin"}})
			require.ErrorIs(t, err, accounts.ErrUnstorable, "longer than its column")
		}
		for name, value := range map[string]string{"role' --": "x", "ident": "1", "mail": "sam@shire.example", "encrypted_password": "h", "confirmed": "true", "": ""} {
			assert.False(t, table.HasField(name), name)
			_, err := table.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: "h", Fields: map[string]string{name: value}})
			require.EqualError(t, err, fmt.Sprintf("accounts: accounts_test.hobbit has no text column %q", name))
		}
		assert.True(t, table.HasField("username") && table.HasField("nickname"))
	})
}

func TestEachMethodIsOneStatement(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		require.NoError(t, accounts.Migrate(t.Context(), db))
		table := accounts.NewUsers(db, "")
		require.NoError(t, table.Check(t.Context()))
		var user any
		for _, step := range []struct {
			name string
			call func() error
		}{
			{"Create", func() (err error) {
				user, err = table.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: "old"})
				return err
			}},
			{"ByEmail", func() error { _, _, err := table.ByEmail(t.Context(), "frodo@shire.example"); return err }},
			{"Hash", func() error { _, err := table.Hash(t.Context(), user); return err }},
			{"ReplaceHash", func() error { _, err := table.ReplaceHash(t.Context(), user, "old", "new"); return err }},
			{"Verify", func() error { _, err := table.Verify(t.Context(), user, "frodo@shire.example"); return err }},
			{"ReplaceEmail", func() error {
				_, err := table.ReplaceEmail(t.Context(), user, "frodo@shire.example", "sam@shire.example")
				return err
			}},
			{"Delete", func() error { return table.Delete(t.Context(), user) }},
		} {
			trace.Reset()
			require.NoError(t, step.call(), step.name)
			c := trace.Counts()
			assert.Equal(t, 1, c.Queries+c.Execs, step.name)
			assert.Zero(t, c.Begins, step.name)
		}
		trace.Reset()
		table.Status(user)
		_, _, err := table.ByEmail(t.Context(), "\x00")
		require.ErrorIs(t, err, sql.ErrNoRows)
		assert.Zero(t, trace.Counts())
	})
}

func TestUsersOfATableJoin(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		users, ok := accounts.NewUsers(db, "admins").Users().(*serializer.Table[accounts.User])
		require.True(t, ok, "the table itself, or stores load users by queries of their own")
		table, key, columns := users.JoinColumns()
		assert.Equal(t, []string{`"admins"`, `"id"`}, []string{table, key})
		assert.NotContains(t, columns, `"password_hash"`)
	})
}

func TestAUserIsShownWithoutSecrets(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		require.NoError(t, accounts.Migrate(t.Context(), db))
		table := accounts.NewTable[accounts.User](db, accounts.TableOptions{Clock: func() time.Time { return start }})
		signUp(t, table, "frodo@shire.example")
		user, _, err := table.ByEmail(t.Context(), "frodo@shire.example")
		require.NoError(t, err)
		text, err := json.Marshal(user)
		require.NoError(t, err)
		assert.JSONEq(t, `{"id":1,"email":"frodo@shire.example","created_at":"2031-03-04T05:06:07.123456Z","updated_at":"2031-03-04T05:06:07.123456Z"}`, string(text))
		assert.NotContains(t, fmt.Sprintf("%+v %#v", user, user), "hash of")
	})
}
