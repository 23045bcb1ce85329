package tokenstores_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

// unjoinedDenials hides the users, which the suite wants of no list.
type unjoinedDenials struct{ *tokenstores.BunDenylist }

func (u unjoinedDenials) Find(ctx context.Context, subject string, keys ...string) (*tokenstores.Denials, error) {
	d, err := u.BunDenylist.Find(ctx, subject, keys...)
	if d != nil {
		d.User, d.Joined = nil, false
	}
	return d, err
}

func TestADenylistWithUsersPassesTheSuite(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		users := createUsers(t, db)
		storetest.RunDenylist(t, func(t *testing.T) tokenstores.Denylist {
			execute(t, db, "DELETE FROM denials")
			return unjoinedDenials{tokenstores.NewBunDenylist(db).JoinUsers(users).(*tokenstores.BunDenylist)}
		})
	})
}

func TestADenylistJoinsUsers(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		users := createUsers(t, db)
		plain := tokenstores.NewBunDenylist(db)
		list := plain.JoinUsers(users)
		require.NoError(t, list.Deny(t.Context(), denial("a")))

		t.Run("marks and user are one query, without the password's hash", func(t *testing.T) {
			findDenials(t, list, "7", "a", "x") // prepares
			trace.Reset()
			got := findDenials(t, list, "7", "a", "x")
			assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
			assert.NotContains(t, trace.Calls()[0].Text, "password_hash")
			want, err := users.Deserialize(t.Context(), "7")
			require.NoError(t, err)
			assert.Equal(t, &tokenstores.Denials{Marks: []string{"mark of a", ""}, User: want, Joined: true}, got)
			assert.Empty(t, got.User.(*user).PasswordHash)
		})
		t.Run("a user who is gone is nil, and the marks are there", func(t *testing.T) {
			for _, subject := range []string{"8", "", "frodo", " 7", "07", "7.0", "' OR 1=1 --", "9223372036854775808", strings.Repeat("9", 300), "\xff", "7\x00"} {
				got := findDenials(t, list, subject, "a")
				assert.Equal(t, &tokenstores.Denials{Marks: []string{"mark of a"}, Joined: true}, got, "%q", subject)
			}
		})
		t.Run("a user without a key is found", func(t *testing.T) {
			got := findDenials(t, list, "7")
			assert.Empty(t, got.Marks)
			assert.Equal(t, "Frodo", got.User.(*user).Name)
			assert.Equal(t, "Frodo", findDenials(t, list, "7", "\xff").User.(*user).Name)
			assert.Equal(t, &tokenstores.Denials{Marks: []string{""}, Joined: true}, findDenials(t, list, "\xff", "\xff"))
		})
		t.Run("the list itself still joins nobody", func(t *testing.T) {
			assert.Equal(t, &tokenstores.Denials{Marks: []string{"mark of a"}}, findDenials(t, plain, "7", "a"))
		})
		t.Run("users who cannot be joined are not", func(t *testing.T) {
			other := migrated(t, "file:"+filepath.Join(t.TempDir(), "users.db"))
			for _, users := range []any{nil, able{users}, serializer.NewTable[user](other, serializer.TableOptions{})} {
				assert.Same(t, plain, plain.JoinUsers(users))
				again := list.(tokenstores.DenylistJoiner).JoinUsers(users)
				assert.Equal(t, &tokenstores.Denials{Marks: []string{"mark of a"}}, findDenials(t, again, "7", "a"), "and come instead of those who were")
			}
		})
		t.Run("a user who cannot be read is a fault", func(t *testing.T) {
			got, err := plain.JoinUsers(brokenUsers{users}).Find(t.Context(), "7", "a")
			require.ErrorIs(t, err, assert.AnError)
			assert.Nil(t, got)
		})
	})
}

func TestADenylistJoinsATableThatIsNotAsItsModelSays(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
		execute(t, db, "CREATE TABLE user_by_texts (id uuid PRIMARY KEY, name text)")
		execute(t, db, "INSERT INTO user_by_texts VALUES ('"+id+"', 'frodo')")
		list := tokenstores.NewBunDenylist(db).JoinUsers(serializer.NewTable[userByText](db, serializer.TableOptions{}))
		require.NoError(t, list.Deny(t.Context(), denial("a")))
		for range 2 {
			got := findDenials(t, list, id, "a", "b", "c")
			assert.Equal(t, []string{"mark of a", "", ""}, got.Marks)
			assert.Equal(t, db.Dialect().Name() == dialect.SQLite, got.Joined, "Postgres compares no uuid with text")
		}
	})
}
