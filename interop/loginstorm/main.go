// Loginstorm measures what a storm of logins leaves of the rest: 8 clients fetch a page that a
// session from Postgres guards, alone and while 16 clients log in without pause, and the 16 log in
// alone. Each server is a process of its own, and so are the clients.
//
//	DATABASE_URL=postgres://… go run ./loginstorm
//	DATABASE_URL=postgres://… go run ./loginstorm -servers kahu,ungated,nethttp -for 10s -cost 10
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

func main() {
	o := options{}
	flag.StringVar(&o.servers, "servers", "kahu,ungated,nethttp", "which servers, by comma: kahu, ungated, nethttp")
	flag.DurationVar(&o.span, "for", 5*time.Second, "how long each phase takes")
	flag.IntVar(&o.cost, "cost", 10, "bcrypt's cost")
	flag.IntVar(&o.pages, "pages", 8, "clients that fetch the page")
	flag.IntVar(&o.logins, "logins", 16, "clients that log in")
	flag.StringVar(&o.serve, "serve", "", "be this server instead, on a free port of loopback")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "loginstorm:", err)
		os.Exit(1)
	}
}

type options struct {
	servers, serve      string
	span                time.Duration
	cost, pages, logins int
}

func run(ctx context.Context, o options, out io.Writer) error {
	address := os.Getenv("DATABASE_URL")
	if address == "" {
		return fmt.Errorf("DATABASE_URL names no Postgres")
	}
	if o.serve != "" {
		return serve(ctx, o, address, out)
	}
	_, _ = fmt.Fprintf(out, "%-9s %-22s %9s %9s %9s %9s\n", "server", "phase", "pages/s", "p50", "p99", "logins/s")
	for name := range strings.SplitSeq(o.servers, ",") {
		if err := o.measure(ctx, name, out); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// measure runs the three phases against a new process of one server.
func (o options) measure(ctx context.Context, name string, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	server := exec.CommandContext(ctx, self, "-serve", name, "-cost", fmt.Sprint(o.cost))
	server.Stderr = os.Stderr
	said, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { end(); _ = server.Wait() }()
	var where string
	if _, err := fmt.Fscanln(said, &where); err != nil {
		return fmt.Errorf("the server did not start: %w", err)
	}
	for _, phase := range []struct {
		name          string
		pages, logins int
	}{
		{"pages alone", o.pages, 0},
		{"pages under the storm", o.pages, o.logins},
		{"logins alone", 0, o.logins},
	} {
		r, err := load{where, phase.pages, phase.logins}.run(ctx, o.span)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%-9s %-22s %9.0f %9s %9s %9.1f\n", name, phase.name, r.pages, r.p50.Round(10*time.Microsecond), r.p99.Round(10*time.Microsecond), r.logins)
	}
	return nil
}
