package strategytest_test

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/kahu-go/kahu/app"
)

type (
	answered = func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error)
	identity = func(ctx *app.Context, id *app.Identity)
)

// whenever changes every answer.
func whenever(change answered) func(*tickets) { return func(x *tickets) { x.after(change) } }

// whenProved changes the identity of a proof.
func whenProved(change identity) func(*tickets) {
	return whenever(func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		if err == nil {
			change(ctx, id)
		}
		return id, err
	})
}

// whenRejected returns something else in the place of a rejection.
func whenRejected(instead func(ctx *app.Context) (*app.Identity, error)) func(*tickets) {
	return whenever(func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		if errors.Is(err, app.ErrInvalidCredentials) {
			return instead(ctx)
		}
		return id, err
	})
}

// whenDown returns something else in the place of a fault.
func whenDown(instead func(err error) (*app.Identity, error)) func(*tickets) {
	return whenever(func(_ *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		if err != nil && !errors.Is(err, app.ErrInvalidCredentials) && !errors.Is(err, app.ErrNoCredentials) {
			return instead(err)
		}
		return id, err
	})
}

func doing(do func(ctx *app.Context)) func(*tickets) {
	return whenever(func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		do(ctx)
		return id, err
	})
}

// reading replaces the text that was sent by what read makes of it.
func reading(read func(text string) string) func(*tickets) {
	return func(x *tickets) {
		right := x.prove
		x.prove = func(ctx *app.Context) (*app.Identity, error) {
			if text := ticket(ctx); text != "" {
				ctx.Request.Header["Authorization"] = []string{"Ticket " + read(text)}
			}
			return right(ctx)
		}
	}
}

func challenging(challenge func(why error) string) func(*tickets) {
	return func(x *tickets) { x.challenge = challenge }
}

func rechecking(change func(err error) error) func(*tickets) {
	return func(x *tickets) {
		x.recheck = func(ctx context.Context, id *app.Identity) error { return change(x.recheckRightly(ctx, id)) }
	}
}

// known is the ticket of which a text is a spelling to the eyes of same.
func known(same func(ticket, text string) bool) func(text string) string {
	return func(text string) string {
		for _, good := range []string{"to the Grey Havens", "to Bag End"} {
			if same(good, text) {
				return good
			}
		}
		return text
	}
}

// remembering keeps the user of the request before.
func remembering(x *tickets) {
	var last *app.Identity
	x.after(func(_ *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		if err == nil {
			last = id
		}
		if errors.Is(err, app.ErrNoCredentials) && last != nil {
			return last, nil
		}
		return id, err
	})
}

// onlyOnce forgets a ticket that was shown.
func onlyOnce(x *tickets) {
	x.after(func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		if err == nil {
			_ = x.source.remove(ctx.Context(), id.Handle)
		}
		return id, err
	})
}

// sharing has one place for the users of all requests, with a lock: the race detector sees nothing.
func sharing(x *tickets) {
	var mu sync.Mutex
	var user any
	x.after(func(_ *app.Context, id *app.Identity, err error) (*app.Identity, error) {
		if err != nil {
			return nil, err
		}
		mu.Lock()
		user = id.User
		mu.Unlock()
		for range 100 {
			runtime.Gosched()
		}
		mu.Lock()
		defer mu.Unlock()
		id.User = user
		return id, nil
	})
}

// detached asks without the request's context.
func detached(x *tickets) {
	right := x.prove
	x.prove = func(ctx *app.Context) (*app.Identity, error) {
		ctx.SetContext(context.WithoutCancel(ctx.Context()))
		return right(ctx)
	}
}
