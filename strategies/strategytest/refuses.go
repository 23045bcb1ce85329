package strategytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/kahu-go/kahu/app"
)

// isPass reports whether a request without credentials is passed on, and says why it has to be.
func (k *kit) isPass(what string, a *answer, why string) bool {
	k.Helper()
	want := passed
	if k.Redirects {
		want = redirected
	}
	if a.kind != want {
		k.Errorf("strategytest: %s: got %s, want %s: %s", what, a, want, why)
	}
	return a.kind == want
}

// passesOn is whether what belongs to others is left to them, the body too.
func passesOn(k *kit) {
	const why = "nothing in it is this strategy's own, and unless it says app.ErrNoCredentials those behind it are not heard, or what they prove is overruled"
	for _, r := range k.foreign() {
		k.isPass(r.name, k.ask(r.Request), why)
	}
	k.leavesTheBody()
}

func (k *kit) leavesTheBody() {
	body := map[string]any{}
	var err error
	k.within(foreignJSON(), &answer{}, func(ctx *app.Context) error {
		new(answer).ask(k.Strategy, ctx)
		err = ctx.Bind(&body)
		return nil
	})
	if err != nil || !reflect.DeepEqual(body, map[string]any{"palantir": "stone-of-Orthanc"}) {
		k.Errorf("strategytest: after the strategy was asked the handler's ctx.Bind got %v, %v: read bodies by ctx.Bind or ctx.BindStrings, which leave them to be read again", body, err)
	}
}

// rejects is whether wrong credentials are told from none and from faults.
func rejects(k *kit) {
	for i, c := range k.Wrong {
		k.isRejection(i, k.ask(k.request(c)))
	}
}

func (k *kit) isRejection(i int, a *answer) {
	k.Helper()
	r, _ := errors.AsType[*app.Rejection](a.err)
	switch {
	case a.kind == proved || a.kind == nobody:
		k.Errorf("strategytest: Wrong[%d]: got %s, want a Rejection: this lets anybody in", i, a)
	case a.kind == passed:
		k.Errorf("strategytest: Wrong[%d]: got %s, want a Rejection: where logging in is optional a wrong credential would be nobody, and nobody would notice", i, a)
	case a.kind != rejected && errors.Is(a.err, app.ErrInvalidCredentials):
		k.Errorf("strategytest: Wrong[%d]: got app.ErrInvalidCredentials alone, which is answered as a fault: return &app.Rejection{}, which is this error, too", i)
	case a.kind != rejected:
		k.Errorf("strategytest: Wrong[%d]: got %s, want a Rejection: the client is wrong here, not the server, and the strategies behind are not asked after a fault", i, a)
	case r.Status != 0 && (r.Status < 400 || r.Status > 499):
		k.Errorf("strategytest: Wrong[%d]: Rejection.Status is %d, want 0, for 401, or 400 to 499: the client is wrong here, not the server", i, r.Status)
	}
}

// neverProvesNobody is whether each success has a user, whatever is sent.
func neverProvesNobody(k *kit) {
	all := append(k.own(), k.foreign()...)
	for _, secret := range k.hostile(k.Good[0]) {
		all = append(all, named{fmt.Sprintf("the secret %s", short(secret)), k.with(k.Good[0], secret), ""})
	}
	for _, r := range all {
		if a := k.ask(r.Request); a.kind == nobody {
			k.Errorf("strategytest: %s: got %s: a typed nil in an any is not nil, and a caller that compares it with nil lets nobody in as somebody; "+
				"return an *app.Rejection, or app.ErrNoCredentials", r.name, a)
			return
		}
	}
}

// neverWrites is whether the answer is left to those who make it, whatever comes of the question.
func neverWrites(k *kit) {
	all := append(k.own(), k.foreign()...)
	for _, r := range all {
		k.wroteNothing(r.name, k.ask(r.Request))
	}
	for i, broken := range k.Broken {
		s := broken(func(context.Context) error { return errDown })
		k.wroteNothing(fmt.Sprintf("Broken[%d]", i), k.askOf(s, k.request(k.Good[0])))
	}
}

func (k *kit) wroteNothing(what string, a *answer) {
	k.Helper()
	for _, w := range a.writes {
		k.Errorf("strategytest: %s: Authenticate %s: it returns who, and others decide what is answered: "+
			"another strategy may still prove the user, and the layers see an answer that is not theirs. It may set cookies of its own, and Vary", what, w)
	}
}
