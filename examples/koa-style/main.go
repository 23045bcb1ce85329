// Koa-style is a small program that uses all of kahu: people log in, see a guarded
// list of rings, throw one into Mount Doom, make tokens for their programs, and log
// out. It needs nothing installed:
//
//	go run ./examples/koa-style
//
// The environment changes where it keeps things and how it is reached; see [config].
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
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
	site := newSite(c, s)
	go site.sessions.PruneEvery(ctx, pruneEvery)
	go site.tokens.PruneEvery(ctx, pruneEvery)
	go s.pruneAttempts(ctx)
	_, _ = fmt.Fprintf(out, "listening on %s (%s)\n", c.baseURL, s.kept)
	for _, account := range accounts {
		_, _ = fmt.Fprintf(out, "  log in as %s or %s with %s\n", account.Username, account.Email, demoPassword)
	}
	return site.app().Run(ctx, c.listen())
}
