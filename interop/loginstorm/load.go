package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A load is how many clients do what at once. Clients are as light as they can be: what they
// cost is taken from the server on the same machine.
type load struct {
	where         string
	pages, logins int
}

type result struct {
	pages, logins float64 // a second
	p50, p99      time.Duration
}

func (l load) run(ctx context.Context, span time.Duration) (r result, err error) {
	ctx, end := context.WithTimeout(ctx, span)
	defer end()
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var done int
	worker := func(work func(c *client) ([]time.Duration, error), keep func([]time.Duration)) {
		all.Go(func() {
			c, cerr := dial(l.where)
			var times []time.Duration
			if cerr == nil {
				times, cerr = work(c)
				cerr = ended(ctx, cerr)
			}
			mu.Lock()
			defer mu.Unlock()
			keep(times)
			if cerr != nil {
				err = cerr
			}
		})
	}
	for range l.pages {
		worker(func(c *client) ([]time.Duration, error) { return c.fetchPages(ctx) }, func(t []time.Duration) { took = append(took, t...) })
	}
	for range l.logins {
		worker(func(c *client) ([]time.Duration, error) { return c.logIn(ctx) }, func(t []time.Duration) { done += len(t) })
	}
	all.Wait()
	if len(took) > 0 {
		slices.Sort(took)
		r.p50, r.p99 = took[len(took)/2], took[len(took)*99/100]
	}
	r.pages, r.logins = float64(len(took))/span.Seconds(), float64(done)/span.Seconds()
	return r, err
}

// ended is no error.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

const (
	loginBody = `{"username":"frodo","password":"precious-ring-1954"}`
	loginText = "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
	pageText  = "GET /page HTTP/1.1\r\nHost: localhost\r\nCookie: session=%s\r\n\r\n"
)

// A client is one connection.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(where string) (*client, error) {
	conn, err := net.Dial("tcp", where)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReader(conn)}, nil
}

func (c *client) fetchPages(ctx context.Context) (took []time.Duration, err error) {
	defer func() { _ = c.conn.Close() }()
	cookie, err := c.ask(fmt.Sprintf(loginText, len(loginBody), loginBody))
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf(pageText, cookie)
	for ctx.Err() == nil {
		began := time.Now()
		if _, err := c.ask(request); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

func (c *client) logIn(ctx context.Context) (took []time.Duration, err error) {
	defer func() { _ = c.conn.Close() }()
	request := fmt.Sprintf(loginText, len(loginBody), loginBody)
	for ctx.Err() == nil {
		began := time.Now()
		if _, err := c.ask(request); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// ask sends a request and reads a success, and returns the session that it sets, if any.
func (c *client) ask(request string) (session string, err error) {
	if _, err := io.WriteString(c.conn, request); err != nil {
		return "", err
	}
	status, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Content-Length":
			length, _ = strconv.Atoi(value)
		case "Set-Cookie":
			session, _, _ = strings.Cut(strings.TrimPrefix(value, "session="), ";")
		}
	}
	if _, err := c.in.Discard(length); err != nil {
		return "", err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 2") {
		return "", fmt.Errorf("answered %s", strings.TrimSpace(status))
	}
	return session, nil
}
