package accounts

import (
	"net/http"
	"strconv"
	"time"

	"github.com/kahu-go/kahu/app"
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
	if from := a.o.Address(ctx); from.IsValid() {
		if from.Is6() && !from.Is4In6() {
			prefix, _ := from.WithZone("").Prefix(64) // what one subscriber has
			from = prefix.Addr()
		}
		if err := a.count(ctx, "mail:from:"+from.Unmap().String(), mailsFrom); err != nil {
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
		return unavailable("count the mail", err)
	case count.N <= limit:
		return nil
	}
	seconds := strconv.Itoa(1 + int(count.Until.Sub(now)/time.Second))
	return &Failure{Status: http.StatusTooManyRequests, Key: TooManyRequests, Header: http.Header{"Retry-After": {seconds}}}
}
