package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/internal/rollback"
)

// anySite is the check that trusts no other site.
var anySite = http.NewCrossOriginProtection()

// remembered brings back who has no session and is remembered, by a new one. Once headers are
// sent it is too late for that.
func (x *Session) remembered() (*Identity, error) {
	c, r := x.ctx, x.s.o.Remember
	if r == nil || c.settled || c.sent || c.w.overtaken() || c.deliberateFromElsewhere() {
		return nil, nil
	}
	id, err := r.Authenticate(c)
	if err == nil {
		id, err = proven(r, id)
	}
	c.noteAnswer(r, id, err)
	switch {
	case rejects(err):
		return nil, x.s.robbed(c, err)
	case passes(err):
		return nil, nil
	case err != nil:
		return nil, faultOf(err)
	}
	back, err := x.resume(id)
	if err != nil {
		c.note(x.s, nil, err)
	}
	return back, err
}

// deliberateFromElsewhere reports whether a page of another site sent the request with a
// credential of its own, so that it may be asked for its session. The browser has added the cookie
// that remembers, which may prove no such request.
func (c *Context) deliberateFromElsewhere() bool {
	return c.proven && c.identity != nil && c.identity.Deliberate && c.CheckOrigin(anySite) != nil
}

// resume logs in who is remembered. That is no new login: who wants one asks for the password.
func (x *Session) resume(id *Identity) (*Identity, error) {
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	subject, err := x.s.subject(ctx, id.User)
	if err != nil {
		return nil, err
	}
	stamp, err := x.s.stampOf(ctx, id.User, subject)
	if err != nil {
		return nil, err
	}
	before, cookies := x.before(), slices.Clone(x.ctx.Header()["Set-Cookie"])
	rollback.On(ctx, func() {
		before()
		x.asked, x.idErr = false, nil // it is being asked now
	})
	rec := x.fresh()
	rec.Subject, rec.LoggedIn, rec.Data = subject, loginBefore(rec.Created, id.LoggedIn), x.kept(subject, loginOptions{})
	setNote(rec, stampName, stamp)
	setNote(rec, rememberName, id.Handle)
	if err := x.insertWithin(rec, id.User, 0); err != nil {
		return nil, err
	}
	switch why, err := x.mayStay(ctx, id); {
	case err != nil || why != nil && why != errTwin:
		return nil, x.giveUp(why, err, before)
	case why != nil: // the cookie of the other request is the one to keep
		x.ctx.Header()["Set-Cookie"] = cookies
	}
	return x.identityOf(id.User), nil
}

// mayStay returns why a session that was stored just now may not stay, nil if it may.
func (x *Session) mayStay(ctx context.Context, id *Identity) (why, err error) {
	// Who ends all sessions of a user ends first what remembers them: what is good still, now
	// that the session is there, was good when it was made.
	good, err := x.s.o.Remember.Remembers(ctx, id)
	switch {
	case err != nil:
		return nil, faultOf(err)
	case !good:
		return errElsewhere, nil
	}
	return x.makeRoom(ctx, id.User)
}

// makeRoom ends the other sessions of the client, of which the last stays, and those of which
// the user has too many: whose logins are the oldest. It looks once the session is stored, as
// everybody does, so of those that come at once the last one sees all.
func (x *Session) makeRoom(ctx context.Context, user any) (why, err error) {
	if _, ok := x.s.store.(SessionLister); !ok {
		return nil, nil
	}
	all, err := x.s.liveSessions(ctx, x.rec.Subject)
	if err != nil {
		return nil, err
	}
	others, own := partition(all, func(r StoredSession) bool { return r.Key != x.key && !x.twin(&r) })
	if len(own) == 0 {
		return errElsewhere, nil
	}
	last := slices.MaxFunc(own, later)
	for i := range own {
		if own[i].Key == last.Key {
			continue
		}
		if err := x.s.endOne(ctx, x.ctx, &own[i], nil, errTwin); err != nil {
			return nil, err
		}
	}
	if last.Key != x.key {
		return errTwin, nil
	}
	return x.oust(ctx, user, append(others, last))
}

// twin reports whether a session is of the same remembered client.
func (x *Session) twin(r *StoredSession) bool {
	handle := noted(x.rec, rememberName)
	return handle != "" && noted(&r.SessionRecord, rememberName) == handle
}

func later(a, b StoredSession) int {
	return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.Key, b.Key))
}

func partition(all []StoredSession, which func(StoredSession) bool) (yes, no []StoredSession) {
	for _, r := range all {
		if which(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}

// oust ends the sessions with the oldest logins of a user who has too many, and forgets their
// clients. This session may be one of them.
func (x *Session) oust(ctx context.Context, user any, all []StoredSession) (why, err error) {
	limit := x.s.o.MaxPerUser
	if limit == 0 || len(all) <= limit {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b StoredSession) int { return cmp.Or(b.LoggedIn.Compare(a.LoggedIn), later(b, a)) })
	for i := range all[limit:] {
		r := &all[limit+i]
		if r.Key == x.key {
			why = errTooMany
			continue
		}
		if err := x.s.revokeRemembered(ctx, user, r.Key, &r.SessionRecord); err != nil {
			return nil, err
		}
		if err := x.s.endOne(ctx, x.ctx, r, nil, errTooMany); err != nil {
			return nil, err
		}
	}
	return why, nil
}

// giveUp ends a session that may not stay, or of which that is not known, and gives the client
// no cookie, also of one that could not be ended. Who may not come back is forgotten.
func (x *Session) giveUp(why, err error, before func()) error {
	key := x.key
	if err == nil {
		err = x.drop(why)
	} else {
		err = errors.Join(err, x.end(key))
	}
	before()
	x.forget()
	if err == nil && why == errTooMany {
		err = x.forgetClient()
	}
	return err
}

// loginBefore is when who is remembered logged in, which is before the session that brings them
// back began; zero if it is not known.
func loginBefore(created, at time.Time) time.Time {
	if at = at.UTC().Truncate(time.Microsecond); !at.Before(created) {
		return time.Time{}
	}
	return at
}
