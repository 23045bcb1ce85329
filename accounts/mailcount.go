package accounts

import (
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/throttle"
)

// How many mails one address gets, and how many one client asks for, in an hour.
const (
	mailsTo   = 5
	mailsFrom = 50
)

// countMail counts a mail before anything is known about the address. Mails for one purpose
// use up nothing of another's: nobody is kept from a new password by whoever asks for
// something else.
func (a *Accounts) countMail(ctx *app.Context, p Purpose, email string) error {
	if client := throttle.Client(a.o.Address(ctx)); client != "" {
		if err := a.count(ctx, "mail:from:"+client, mailsFrom); err != nil {
			return err
		}
	}
	return a.count(ctx, "mail:to:"+a.o.Resource+":"+string(p)+":"+email, mailsTo)
}

func (a *Accounts) count(ctx *app.Context, key string, limit int64) error {
	c, cancel := a.ask(ctx.Context())
	defer cancel()
	now := a.o.Clock().UTC()
	count, err := a.o.Attempts.Add(c, key, 1, now, time.Hour)
	switch {
	case err != nil:
		return unavailable("count the attempt", err)
	case count.N <= limit:
		return nil
	}
	return &Failure{Status: http.StatusTooManyRequests, Key: TooManyRequests, Header: http.Header{"Retry-After": {count.RetryAfter(now)}}}
}
