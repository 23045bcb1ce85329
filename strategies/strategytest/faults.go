package strategytest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
)

var errDown = errors.New("strategytest: the source is down")

// patience is how long a strategy may take to notice that its request is over.
var patience = 5 * time.Second

// faults is whether a source that cannot answer is told from one that says no.
func faults(k *kit) {
	for i, broken := range k.Broken {
		for _, err := range []error{errDown, context.DeadlineExceeded, sql.ErrConnDone, io.ErrUnexpectedEOF, fmt.Errorf("dial: %w", io.EOF)} {
			asked := false
			s := broken(func(context.Context) error { asked = true; return err })
			a := k.askOf(s, k.request(k.Good[0]))
			k.isFault(fmt.Sprintf("Good[0] and Broken[%d], whose source says %q", i, err), a, asked)
		}
	}
	for i, broken := range k.Broken {
		k.cannotEnd(i, broken)
	}
}

func (k *kit) isFault(what string, a *answer, asked bool) {
	k.Helper()
	switch {
	case !asked:
		k.Errorf("strategytest: %s: got %s without a call of fault: call it where the strategy would ask its source", what, a)
	case a.kind == fault:
	case a.kind == proved || a.kind == nobody:
		k.Errorf("strategytest: %s: got %s: nobody knows who this is, and is let in", what, a)
	case a.kind == rejected || a.kind == passed:
		k.Errorf("strategytest: %s: got %s, want a fault: everybody would be logged out while the source is down, and credentials that are good thrown away. "+
			"Return the error, wrapped by fmt.Errorf if you like, and no *app.Rejection around it", what, a)
	default:
		k.Errorf("strategytest: %s: got %s, want a fault, which is answered 503", what, a)
	}
}

// cannotEnd is whether a logout that failed says so.
func (k *kit) cannotEnd(i int, broken func(Fault) app.Strategy) {
	k.Helper()
	asked := false
	e, ok := broken(func(context.Context) error { asked = true; return errDown }).(app.Ender)
	if !ok {
		return
	}
	r, id := k.stillGood()
	if id == nil {
		return // which another check says, or the source that ends it is another
	}
	var err error
	k.within(r, &answer{}, func(ctx *app.Context) error {
		err = e.End(ctx, id)
		return nil
	})
	if err == nil && asked {
		k.Errorf("strategytest: Broken[%d]: End returned no error, though its source is down: the client would believe that it is logged out", i)
	}
}

// stillGood returns a request whose credential was not ended yet, and what it proves.
func (k *kit) stillGood() (*http.Request, *app.Identity) {
	for _, c := range k.Good {
		r, same := again(k.request(c))
		if a := k.ask(r); a.kind == proved {
			return same, a.id
		}
	}
	return nil, nil
}

// endsInTime is whether a strategy that waits for its source stops when the client has gone or
// the time is up.
func endsInTime(k *kit) {
	for i, broken := range k.Broken {
		what := fmt.Sprintf("Good[0] and Broken[%d], whose source hangs, when the client hangs up", i)
		ctx, hangUp := context.WithCancel(context.Background())
		k.stops(what, ctx, broken, hangUp)
		ctx, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
		k.stops(fmt.Sprintf("Good[0] and Broken[%d], whose source hangs, after the deadline", i), ctx, broken, func() {})
		cancel()
	}
}

// stops asks with a source that hangs, and ends the request once it does.
func (k *kit) stops(what string, ctx context.Context, broken func(Fault) app.Strategy, end func()) {
	k.Helper()
	hanging, release, answered := make(chan struct{}, 1), make(chan struct{}), make(chan *answer, 1)
	s := broken(func(ctx context.Context) error {
		select {
		case hanging <- struct{}{}:
		default:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-release:
			return errDown
		}
	})
	r := k.request(k.Good[0]).WithContext(ctx)
	go func() { answered <- k.askOf(s, r) }()
	defer close(release)
	tooLong := time.After(patience)
	select {
	case <-hanging:
	case a := <-answered:
		answered <- a
	case <-tooLong:
	}
	end()
	select {
	case a := <-answered:
		if a.kind != fault {
			k.Errorf("strategytest: %s: got %s, want a fault: whether this credential is good nobody found out", what, a)
		}
	case <-time.After(patience):
		k.Errorf("strategytest: %s: no answer after %v: ask the source with ctx.Context(), or every client that leaves goes on costing a connection", what, patience)
	}
}
