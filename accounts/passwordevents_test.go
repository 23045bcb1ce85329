package accounts_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

func TestAWrongPasswordThatIsAskedForAgainIsToldOf(t *testing.T) {
	s := newShire(t, nil)
	events := apptest.Record(s.app)
	c := s.caller(t)
	c.signUp()
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	subject, err := s.store.Users().Serialize(t.Context(), user)
	require.NoError(t, err)
	const guess = "one-ring-to-find-them"
	told := func(want int, name app.EventName) {
		t.Helper()
		events.Reset()
		require.Equal(t, want, c.send("PATCH", "/users/passwords", fields{"current_password": guess, "password": another}).Status)
		var found []app.Event
		for _, e := range events.All() {
			if e.Name == name {
				found = append(found, e)
			}
			assert.NotContains(t, fmt.Sprintf("%+v %v", e, e.Reason), guess)
		}
		require.Len(t, found, 1, "%v", events.All())
		assert.Equal(t, []any{"user", subject}, []any{found[0].Via, found[0].Subject})
		assert.NotNil(t, found[0].User)
	}
	for range 20 {
		told(http.StatusUnprocessableEntity, app.EventLoginFailed)
	}
	told(http.StatusTooManyRequests, app.EventLoginThrottled)
	events.Reset()
	s.clock.Advance(hourAndMore)
	c.keep(c.signIn(password))
	c.keep(c.send("PATCH", "/users/passwords", change))
	for _, e := range events.All() {
		assert.NotContains(t, []app.EventName{app.EventLoginFailed, app.EventLoginThrottled}, e.Name)
	}
}
