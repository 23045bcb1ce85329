package accounts_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

// lostAnswers is a table whose next statement that begins so is done, and whose answer is
// lost; do is the statement, on a connection of another pool.
func lostAnswer(t *testing.T, trace *sqltrace.Trace, statement string, do func()) {
	t.Helper()
	lost := false
	trace.Reset()
	trace.Fail(func(c sqltrace.Call) error {
		if lost || !strings.HasPrefix(c.Text, statement) {
			return nil
		}
		lost = true
		do()
		return io.ErrUnexpectedEOF
	})
	t.Cleanup(func() { assert.True(t, lost) })
}

func TestAnAnswerThatIsLost(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			db, trace := sqltrace.Open(t, at)
			require.NoError(t, accounts.Migrate(t.Context(), db))
			other, err := database.Open(at)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, other.Close()) })
			testLostAnswers(t, accounts.NewUsers(db, ""), accounts.NewUsers(other, ""), trace)
		})
	}
}

func testLostAnswers(t *testing.T, table, other *accounts.Table[accounts.User], trace *sqltrace.Trace) {
	n := accounts.NewAccount{Email: "frodo@shire.example", Hash: "salted"}
	lostAnswer(t, trace, "INSERT", func() {
		_, err := other.Create(t.Context(), n)
		require.NoError(t, err)
	})
	user, err := table.Create(t.Context(), n)
	require.NoError(t, err, "the account was made by this call")
	assert.Equal(t, n.Email, table.Status(user).Email)

	m := accounts.NewAccount{Email: "sam@shire.example", Hash: "mine"}
	lostAnswer(t, trace, "INSERT", func() {
		_, err := other.Create(t.Context(), accounts.NewAccount{Email: m.Email, Hash: "another's"})
		require.NoError(t, err)
	})
	_, err = table.Create(t.Context(), m)
	require.ErrorIs(t, err, accounts.ErrEmailTaken, "this one was made by somebody else")

	for hash, want := range map[string]bool{"new": true, "another's": false} {
		lostAnswer(t, trace, "UPDATE", func() {
			done, err := other.ReplaceHash(t.Context(), user, "salted", hash)
			require.NoError(t, err)
			require.True(t, done)
		})
		done, err := table.ReplaceHash(t.Context(), user, "salted", "new")
		require.NoError(t, err)
		assert.Equal(t, want, done)
		_, err = other.ReplaceHash(t.Context(), user, hash, "salted")
		require.NoError(t, err)
	}

	lostAnswer(t, trace, "UPDATE", func() {
		_, err := other.ReplaceEmail(t.Context(), user, n.Email, "underhill@bree.example")
		require.NoError(t, err)
	})
	done, err := table.ReplaceEmail(t.Context(), user, n.Email, "underhill@bree.example")
	require.NoError(t, err)
	assert.True(t, done)
}

func TestFaultsAreNeitherMissesNorTaken(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		require.NoError(t, accounts.Migrate(t.Context(), db))
		table := accounts.NewUsers(db, "")
		user := signUp(t, table, "frodo@shire.example")
		trace.Fail(func(sqltrace.Call) error { return assert.AnError })
		for name, call := range map[string]func() error{
			"ByEmail": func() error { _, _, err := table.ByEmail(t.Context(), "frodo@shire.example"); return err },
			"Hash":    func() error { _, err := table.Hash(t.Context(), user); return err },
			"Create": func() error {
				_, err := table.Create(t.Context(), accounts.NewAccount{Email: "a@b.example"})
				return err
			},
			"ReplaceHash": func() error { _, err := table.ReplaceHash(t.Context(), user, "a", "b"); return err },
			"ReplaceEmail": func() error {
				_, err := table.ReplaceEmail(t.Context(), user, "a@b.example", "c@d.example")
				return err
			},
			"Verify": func() error { _, err := table.Verify(t.Context(), user, "a@b.example"); return err },
			"Delete": func() error { return table.Delete(t.Context(), user) },
			"Check":  func() error { return table.Check(t.Context()) },
		} {
			err := call()
			require.ErrorIs(t, err, assert.AnError, name)
			assert.True(t, strings.HasPrefix(err.Error(), "accounts: "), err)
		}
	})
}
