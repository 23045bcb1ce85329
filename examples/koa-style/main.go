// Koa-style is a small program that uses all of kahu: people log in, see a guarded
// list of rings, throw one into Mount Doom, make tokens for their programs, log in on
// their phones, and log out everywhere. It needs nothing installed:
//
//	go run ./examples/koa-style
//
// The environment changes where it keeps things and how it is reached; see [config].
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/kahu-go/kahu/accounts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "koa-style:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	c, err := readConfig(getenv)
	if err != nil {
		return err
	}
	return c.run(ctx, out)
}

func (c *config) run(ctx context.Context, out io.Writer) error {
	s, err := openStores(ctx, c)
	if err != nil {
		return err
	}
	defer s.close()
	if err := seed(ctx, s.db); err != nil {
		return err
	}
	for _, warning := range append(c.warnings, s.warnings...) {
		_, _ = fmt.Fprintln(out, "warning:", warning)
	}
	if err := newMembers(s.db).Check(ctx); err != nil {
		return err
	}
	mails := accounts.NewMailQueue(c.mailer(out), accounts.MailQueueOptions{})
	end := sendMails(ctx, mails)
	site := newSite(c, s, mails)
	go site.sessions.PruneEvery(ctx, pruneEvery)
	go site.jwt.PruneEvery(ctx, pruneEvery) // the store is that of opaque tokens and remembered devices, too
	go s.pruneAttempts(ctx)
	_, _ = fmt.Fprintf(out, "listening on %s (%s)\n", c.baseURL, s.kept)
	for _, u := range demoUsers {
		_, _ = fmt.Fprintf(out, "  log in as %s or %s with %s\n", u.Username, u.Email, demoPassword)
	}
	_, _ = fmt.Fprintf(out, "  sign in to /admins as %s with %s\n", demoAdmin, demoPassword)
	err = site.app().Run(ctx, c.listen())
	return errors.Join(err, end())
}

// sendMails sends what is in the queue until end is called, when no request can put more
// into it.
func sendMails(ctx context.Context, mails *accounts.MailQueue) (end func() error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- mails.Run(ctx) }()
	return func() error {
		stop()
		return <-done
	}
}
