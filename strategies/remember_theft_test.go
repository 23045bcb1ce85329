package strategies_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
)

func (h *hearth) reused() (found []app.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Name == app.EventReused {
			found = append(found, e)
		}
	}
	return found
}

// Whoever comes second shows that there are two. Then all that remembers the user ends, since
// nobody can tell the owner from the thief.
func TestAStolenCookieEndsAllSeriesOfTheUser(t *testing.T) {
	orders := map[string]func(h *hearth, owner, thief *apptestClient) (first, second *apptestClient){
		"the thief comes first": func(_ *hearth, owner, thief *apptestClient) (a, b *apptestClient) { return thief, owner },
		"the owner comes first": func(_ *hearth, owner, thief *apptestClient) (a, b *apptestClient) { return owner, thief },
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			onEachHearth(t, func(t *testing.T, h *hearth) {
				owner, laptop, sam := h.guest(t, "frodo"), h.guest(t, "frodo"), h.guest(t, "sam")
				thief := h.thief(t, cookieOf(owner))
				h.later()
				first, second := order(h, owner, thief)
				require.Equal(t, "frodo by session", who(first))
				h.clock.Advance(11 * time.Second)
				res := second.Get("/")
				assert.Equal(t, "nobody", res.Body)
				assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
				for _, c := range []*apptestClient{first, second, laptop} {
					assert.Equal(t, "nobody", who(c), "also who has a session by it")
				}
				assert.Empty(t, h.series(t, "frodo"))
				assert.Equal(t, "frodo by session", who(h.guest(t, "frodo")), "the password is as good as before")
				assert.Equal(t, "sam by session", who(sam), "the others are not concerned")
				require.Len(t, h.reused(), 1)
				event := h.reused()[0]
				assert.Equal(t, ringBearer, event.User)
				assert.Equal(t, []string{"remember", "frodo"}, []string{event.Via, event.Subject})
				assert.True(t, stolenFrom(event.Reason))
				assert.Contains(t, h.log.String(), "used again")
				assert.NotContains(t, h.log.String(), "kahu_remember_")
			})
		})
	}
}

func TestAStolenCookieByItself(t *testing.T) {
	h := newHearth()
	owner := h.guest(t, "frodo")
	stolen := cookieOf(owner)
	require.Equal(t, 200, owner.Get("/direct").Status)
	h.clock.Advance(11 * time.Second)
	thief := h.thief(t, stolen)
	assert.Equal(t, 401, thief.Get("/direct").Status)
	assert.Empty(t, cookieOf(thief))
	assert.Equal(t, 401, owner.Get("/direct").Status)
	assert.Equal(t, 401, h.thief(t, stolen).Get("/direct").Status)
	assert.Len(t, h.reused(), 1, "what has ended is not stolen again")
}

// The owner, who logs in or out with a cookie that the thief has replaced, shows it as well.
func TestAStolenCookieIsFoundAtLoginAndLogout(t *testing.T) {
	for _, path := range []string{"/login?as=frodo", "/login?as=sam", "/logout"} {
		t.Run(path[1:], func(t *testing.T) {
			h := newHearth()
			owner := h.guest(t, "frodo")
			thief := h.thief(t, cookieOf(owner))
			for range 2 {
				h.later()
				require.Equal(t, "frodo by session", who(thief))
			}
			require.Equal(t, 204, owner.Post(path, "", "").Status)
			assert.Equal(t, "nobody", who(thief))
			assert.Empty(t, h.series(t, "frodo"))
			assert.Len(t, h.reused(), 1)
			assert.Empty(t, cookieOf(owner))
			if path != "/logout" {
				assert.Contains(t, who(owner), path[len("/login?as="):])
			}
		})
	}
}

func TestAStolenCookieOfAUserWhoCannotBeLoaded(t *testing.T) {
	h := newHearth()
	owner := h.guest(t, "frodo")
	thief := h.thief(t, cookieOf(owner))
	for range 2 {
		h.later()
		require.Equal(t, "frodo by session", who(thief))
	}
	h.users.err = assert.AnError
	require.Equal(t, 204, owner.Post("/logout", "", "").Status, "a logout asks no Serializer")
	h.users.err = nil
	assert.Empty(t, h.series(t, "frodo"))
}

func TestAMadeUpSecretEndsNothing(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		c, other := h.guest(t, "frodo"), h.guest(t, "sam")
		mine, theirs := partsOf(cookieOf(c)), partsOf(cookieOf(other))
		for name, p := range map[string]cookieParts{
			"another's proof":                {mine.id, theirs.proof, mine.secret},
			"another's proof and secret":     {mine.id, theirs.proof, theirs.secret},
			"another's id":                   {theirs.id, mine.proof, mine.secret},
			"the id for a proof":             {mine.id, mine.id, mine.secret},
			"the beginning of the own proof": {mine.id, mine.proof[:21] + flipped(mine.proof[21:]), mine.secret},
		} {
			require.Equal(t, 401, h.thief(t, p.text()).Get("/direct").Status, name)
			require.Equal(t, 204, h.thief(t, p.text()).Post("/logout", "", "").Status, name)
		}
		assert.Empty(t, h.reused())
		assert.Equal(t, "frodo by remember", c.Get("/direct").Body)
		assert.Equal(t, "sam by remember", other.Get("/direct").Body)
	})
}

func TestRememberGrace(t *testing.T) {
	for name, c := range map[string]struct {
		grace, pause time.Duration
		status       int
	}{
		"at once":                       {0, 0, 200},
		"just before its end":           {0, 10*time.Second - time.Microsecond, 200},
		"at its end":                    {0, 10 * time.Second, 401},
		"longer if it is so desired":    {time.Minute, 59 * time.Second, 200},
		"at the end of a longer one":    {time.Minute, time.Minute, 401},
		"without any":                   {strategies.NoGrace, 0, 401},
		"on a clock that is behind":     {0, -59 * time.Second, 200},
		"on a clock that was set back":  {0, -time.Hour, 401},
		"on a clock far behind with no": {strategies.NoGrace, -time.Second, 401},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth(func(o *hearthOptions) { o.remember.Grace = c.grace })
			owner := h.guest(t, "frodo")
			text := cookieOf(owner)
			h.clock.Advance(2 * time.Hour)
			require.Equal(t, 200, owner.Get("/direct").Status)
			h.clock.Advance(c.pause)
			late := h.thief(t, text)
			assert.Equal(t, c.status, late.Get("/direct").Status)
			if c.status == 200 {
				assert.Equal(t, cookieOf(owner), cookieOf(late), "the one successor")
				assert.Len(t, h.series(t, "frodo"), 1)
			}
		})
	}
}

// A browser that has the successor already sends the one before, too: for requests that were
// begun sooner. Were the successor replaced at once they would be taken for a thief's.
func TestASuccessorIsNotReplacedWhileTheOneBeforeIsGood(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	before := cookieOf(c)
	require.Equal(t, 200, c.Get("/direct").Status)
	after := cookieOf(c)
	h.clock.Advance(9 * time.Second)
	for range 3 {
		require.Nil(t, c.Get("/direct").SetCookie(remembering))
		require.Equal(t, after, h.thief(t, before).Get("/direct").SetCookie(remembering).Value)
	}
	h.clock.Advance(time.Second)
	require.NotNil(t, c.Get("/direct").SetCookie(remembering), "it counts from when the successor was made")
	assert.Empty(t, h.reused())
}

func TestRememberWithoutGraceUsesACookieOnceInARequest(t *testing.T) {
	h := newHearth(func(o *hearthOptions) { o.remember.Grace = strategies.NoGrace })
	c := h.guest(t, "frodo")
	h.later()
	require.Equal(t, "frodo by session", c.Get("/both").Body)
	c.SetCookie(sitting, "")
	require.Equal(t, "frodo by remember", c.Get("/direct").Body)
	assert.Empty(t, h.reused())
}

// A store that cannot list sessions cannot end them either, which is reported.
func TestAStolenCookieWithSessionsThatCannotBeListed(t *testing.T) {
	h := newHearth()
	owner := h.guest(t, "frodo")
	sessions := app.NewSessions(struct{ app.SessionStore }{sessionstores.NewMemory()}, h.users, app.SessionOptions{Remember: h.remember, Clock: h.clock.Now})
	a := app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error { return tellWho(ctx) })
	var reported error
	a.OnError = func(_ *app.Context, err error) { reported = err }
	stolen := cookieOf(owner)
	require.Equal(t, 200, owner.Get("/direct").Status)
	h.clock.Advance(time.Minute)
	assert.Equal(t, "nobody", newVisitor(t, h, a, stolen).Get("/").Body)
	assert.ErrorIs(t, reported, app.ErrCannotList)
	assert.Empty(t, h.series(t, "frodo"))
}
