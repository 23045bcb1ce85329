package tokenstores_test

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/internal/userjoin"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

type user struct {
	ID           int64 `bun:",pk"`
	Name         string
	PasswordHash string
}

type userByText struct {
	ID   string `bun:",pk"`
	Name string
}

func createUsers(t testing.TB, db *bun.DB) *serializer.Table[user] {
	t.Helper()
	_, err := db.NewCreateTable().Model((*user)(nil)).Exec(t.Context())
	require.NoError(t, err)
	_, err = db.NewInsert().Model(&user{ID: 7, Name: "Frodo", PasswordHash: "$2a$12$secret"}).Exec(t.Context())
	require.NoError(t, err)
	return serializer.NewTable[user](db, serializer.TableOptions{})
}

// unjoined hides the users, which the suite wants of no store.
type unjoined struct{ *tokenstores.Bun }

func (u unjoined) Find(ctx context.Context, typ, id string) (*tokenstores.Token, error) {
	t, err := u.Bun.Find(ctx, typ, id)
	if t != nil {
		t.User, t.Joined = nil, false
	}
	return t, err
}

func TestJoinedUsersPassTheSuite(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		users := createUsers(t, db)
		storetest.Run(t, func(t *testing.T) tokenstores.Store {
			execute(t, db, "DELETE FROM tokens")
			return unjoined{tokenstores.NewBun(db).JoinUsers(users).(*tokenstores.Bun)}
		})
	})
}

func TestJoinUsers(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			users := createUsers(t, db)
			store := tokenstores.NewBun(db).JoinUsers(users)

			t.Run("a token and its owner are one query, without the password's hash", func(t *testing.T) {
				require.NoError(t, store.Insert(t.Context(), token("one")))
				find(t, store, "one") // prepares
				trace.Reset()
				got := find(t, store, "one")
				assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
				assert.NotContains(t, trace.Calls()[0].Text, "password_hash")
				assert.True(t, got.Joined)
				want, err := users.Deserialize(t.Context(), "7")
				require.NoError(t, err)
				assert.Equal(t, want, got.User, "as a query of the table returns the user")
				assert.Empty(t, got.User.(*user).PasswordHash)
			})
			t.Run("an owner who is gone is nil", func(t *testing.T) {
				for i, subject := range []string{"8", "frodo", " 7", "07", "7.0", "' OR 1=1 --", "9223372036854775808", strings.Repeat("9", 300)} {
					gone := token("gone" + strconv.Itoa(i))
					gone.Subject = subject
					require.NoError(t, store.Insert(t.Context(), gone))
					got := find(t, store, gone.ID)
					assert.True(t, got.Joined)
					assert.True(t, got.User == nil, "%q", subject)
				}
			})
			t.Run("a list loads nobody", func(t *testing.T) {
				tokens, err := store.List(t.Context(), "api", "7")
				require.NoError(t, err)
				require.Len(t, tokens, 1)
				assert.Nil(t, tokens[0].User)
				assert.False(t, tokens[0].Joined)
			})
		})
	}
}

func TestJoinsThatCannotBe(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store, users := tokenstores.NewBun(db), createUsers(t, db)
		t.Run("users who are no table are not joined", func(t *testing.T) {
			assert.Same(t, store, store.JoinUsers(serializer.New(func(name string) string { return name },
				func(_ context.Context, key string) (string, error) { return key, nil })))
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
		t.Run("users who cannot be joined come instead of those who were", func(t *testing.T) {
			require.NoError(t, store.Insert(t.Context(), token("one")))
			joined := store.JoinUsers(users)
			assert.True(t, find(t, joined, "one").Joined)
			assert.False(t, find(t, joined.(tokenstores.UserJoiner).JoinUsers(nil), "one").Joined)
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
		store, users := tokenstores.NewBun(db), createUsers(t, db)
		require.NoError(t, store.Insert(t.Context(), token("one")))
		for _, embedded := range []any{able{users}, &able{users}, able{}, struct {
			userjoin.Table
			_ []string
		}{Table: users}} {
			assert.Same(t, store, store.JoinUsers(embedded), "%T", embedded)
			got := find(t, store.JoinUsers(users).(tokenstores.UserJoiner).JoinUsers(embedded), "one")
			assert.False(t, got.Joined)
			assert.Nil(t, got.User)
		}
	})
}

// A model does not say what its table's columns really are.
func TestJoinOfATableThatIsNotAsItsModelSays(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
		execute(t, db, "CREATE TABLE user_by_texts (id uuid PRIMARY KEY, name text)")
		execute(t, db, "INSERT INTO user_by_texts VALUES ('"+id+"', 'frodo')")
		store := tokenstores.NewBun(db).JoinUsers(serializer.NewTable[userByText](db, serializer.TableOptions{}))
		one := token("one")
		one.Subject = id
		require.NoError(t, store.Insert(t.Context(), one))
		for range 2 {
			got := find(t, store, "one")
			assert.Equal(t, id, got.Subject)
			assert.Equal(t, db.Dialect().Name() == dialect.SQLite, got.Joined, "Postgres compares no uuid with text")
		}
	})
}

// brokenUsers cannot be read.
type brokenUsers struct{ userjoin.Table }

func (b brokenUsers) Itself() any { return b }

func (brokenUsers) ScanJoined([]any) (any, error) { return nil, assert.AnError }

func TestAnOwnerWhoCannotBeReadIsAFault(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db).JoinUsers(brokenUsers{createUsers(t, db)})
		require.NoError(t, store.Insert(t.Context(), token("one")))
		got, err := store.Find(t.Context(), "api", "one")
		require.ErrorIs(t, err, assert.AnError)
		require.NotErrorIs(t, err, tokenstores.ErrTokenDamaged)
		assert.Nil(t, got)
	})
}
