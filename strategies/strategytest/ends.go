package strategytest

import (
	"context"
	"errors"
	"net/http"

	"github.com/kahu-go/kahu/app"
)

// ends is whether ctx.Logout ends the credential that was sent, for good, and nobody else's.
func ends(k *kit) {
	if _, ok := k.Strategy.(app.Ender); !ok {
		return
	}
	first, copied := again(k.request(k.Good[0]))
	a := k.ask(first)
	if !k.isProof("Good[0]", a, k.Good[0].User) {
		return
	}
	replayed, _ := again(copied)
	_, old := again(replayed)
	keepCookies(replayed, a.header)
	leaving, stolen := again(replayed)
	err := k.logout(leaving)
	switch {
	case errors.Is(err, app.ErrCannotEnd):
		return // which is said openly, and answered 500
	case err != nil:
		k.Errorf("strategytest: ctx.Logout of Good[0]: got %v, want no error", err)
		return
	}
	k.isOver("Good[0] after its logout", k.ask(stolen))
	k.isOver("Good[0] as it was sent first, after its logout", k.ask(old))
	k.isProof("Good[1] after the logout of Good[0]", k.ask(k.request(k.Good[1])), k.Good[1].User)
}

// logout proves the user and logs them out.
func (k *kit) logout(r *http.Request) (err error) {
	k.within(r, &answer{}, func(ctx *app.Context) error {
		if _, err = ctx.Authenticate(k.Strategy); err == nil {
			err = ctx.Logout()
		}
		return nil
	})
	return err
}

func (k *kit) isOver(what string, a *answer) {
	k.Helper()
	switch a.kind {
	case proved:
		k.Errorf("strategytest: %s: got %s: who has a copy is still in; End ends it at the source, a cookie that is cleared is not enough", what, a)
	case nobody, fault, panicked:
		k.Errorf("strategytest: %s: got %s, want a Rejection", what, a)
	}
}

// rechecks is whether what proved an identity is known to be good, over, or out of reach.
func rechecks(k *kit) {
	re, ok := k.Strategy.(app.Rechecker)
	if !ok {
		return
	}
	r, later := again(k.request(k.Good[0]))
	a := k.ask(r)
	if !k.isProof("Good[0]", a, k.Good[0].User) {
		return
	}
	if err := re.Recheck(k.Context(), a.id); err != nil {
		k.Errorf("strategytest: Recheck of what Good[0] proved: got %v, want no error: connections that are open would be closed", err)
	}
	for i, broken := range k.Broken {
		k.rechecksFault(i, broken, a.id)
	}
	if _, ok := k.Strategy.(app.Ender); !ok {
		return
	}
	keepCookies(later, a.header)
	if err := k.logout(later); err != nil {
		return // which another check says, or it cannot be ended
	}
	if err := re.Recheck(k.Context(), a.id); !errors.Is(err, app.ErrInvalidCredentials) {
		k.Errorf("strategytest: Recheck of what Good[0] proved, after its logout: got %v, want a Rejection: connections would stay open for who is logged out", err)
	}
}

func (k *kit) rechecksFault(i int, broken func(Fault) app.Strategy, id *app.Identity) {
	k.Helper()
	asked := false
	re, ok := broken(func(context.Context) error { asked = true; return errDown }).(app.Rechecker)
	if !ok {
		return
	}
	if err := re.Recheck(k.Context(), id); asked && (err == nil || errors.Is(err, app.ErrInvalidCredentials)) {
		k.Errorf("strategytest: Broken[%d]: Recheck while the source is down: got %v, want a fault: nobody knows whether it is over", i, err)
	}
}
