package storetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

func TestFaulty(t *testing.T) {
	record := func() *app.SessionRecord {
		return &app.SessionRecord{Kind: "session", Seen: time.Unix(1, 0), Until: time.Unix(9, 0), IdleUntil: time.Unix(9, 0)}
	}

	t.Run("passes the suite while it is whole", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) app.SessionStore { return storetest.NewFaulty(sessionstores.NewMemory()) })
	})
	t.Run("fails on the call that was named and on no other", func(t *testing.T) {
		f := storetest.NewFaulty(sessionstores.NewMemory())
		f.FailCall(2)
		_, err := f.Find(t.Context(), "key")
		require.NoError(t, err)
		require.ErrorIs(t, f.Insert(t.Context(), "key", "", record()), storetest.ErrFault)
		r, err := f.Find(t.Context(), "key")
		require.NoError(t, err)
		assert.Nil(t, r, "a call that failed did nothing")
		assert.Equal(t, []string{"Find", "Insert", "Find"}, f.Calls())
	})
	t.Run("fails in the methods that were named until it is healed", func(t *testing.T) {
		f := storetest.NewFaulty(sessionstores.NewMemory())
		f.Fail("Delete", "Touch")
		require.NoError(t, f.Insert(t.Context(), "key", "", record()))
		for range 2 {
			require.ErrorIs(t, f.Delete(t.Context(), "key"), storetest.ErrFault)
			require.ErrorIs(t, f.Touch(t.Context(), "key", time.Unix(2, 0), time.Unix(9, 0)), storetest.ErrFault)
		}
		f.Heal()
		require.NoError(t, f.Delete(t.Context(), "key"))
	})
	t.Run("fails in every method if none was named", func(t *testing.T) {
		f := storetest.NewFaulty(sessionstores.NewMemory())
		f.Fail()
		_, err := f.Find(t.Context(), "key")
		require.ErrorIs(t, err, storetest.ErrFault)
		_, err = f.PruneSessions(t.Context(), time.Unix(1, 0), 1)
		require.ErrorIs(t, err, storetest.ErrFault)
		_, err = f.InsertLimited(t.Context(), "key", "", record(), 1)
		require.ErrorIs(t, err, storetest.ErrFault)
		_, err = f.ListSessions(t.Context(), "session", "frodo")
		require.ErrorIs(t, err, storetest.ErrFault)
		_, err = f.DeleteSessions(t.Context(), "session", "frodo", "")
		require.ErrorIs(t, err, storetest.ErrFault)
	})
	t.Run("does the work and fails where answers are lost", func(t *testing.T) {
		f := storetest.NewFaulty(sessionstores.NewMemory())
		f.Fail("Insert")
		f.LoseAnswers()
		require.ErrorIs(t, f.Insert(t.Context(), "key", "", record()), storetest.ErrFault)
		r, err := f.Find(t.Context(), "key")
		require.NoError(t, err)
		assert.NotNil(t, r)
	})
}
