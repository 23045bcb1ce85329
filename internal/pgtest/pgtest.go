// Package pgtest gives tests real Postgres databases: on the server that DATABASE_URL names, else on a throwaway server started from
// installed programs. Without either a test is skipped, or failed where KAHU_REQUIRE_SERVERS=1.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kahu-go/kahu/internal/daemon"
)

const patience = 30 * time.Second // for what a healthy server does in a fraction of it

// shared is the one server of this test process. Nobody stops it: its watcher does when the process ends.
var shared = sync.OnceValues(func() (*Server, error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	return s, s.start()
})

// URL is the address of a new, empty database that this test has for itself. It is dropped after the test, with whoever is still connected.
// The server's time zone is far from UTC, so that code that relies on it shows.
func URL(t testing.TB) string {
	t.Helper()
	if server := os.Getenv("DATABASE_URL"); server != "" {
		return create(t, server)
	}
	s, err := shared()
	if errors.Is(err, errNotInstalled) {
		daemon.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return create(t, s.URL())
}

// create makes a database on the server, or a schema where databases may not be made.
func create(t testing.TB, server string) string {
	t.Helper()
	name := "kahu_" + strings.ToLower(rand.Text())
	// template0 can be copied while others are connected to template1.
	err := run(server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	if denied(err) {
		return createSchema(t, server, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return edit(t, server, func(u *url.URL) { u.Path = "/" + name })
}

func createSchema(t testing.TB, server, name string) string {
	t.Helper()
	if err := run(server, "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, server, "DROP SCHEMA IF EXISTS "+name+" CASCADE") })
	return edit(t, server, func(u *url.URL) {
		q := u.Query()
		q.Set("search_path", name)
		u.RawQuery = q.Encode()
	})
}

func drop(t testing.TB, server, statement string) {
	t.Helper()
	if err := run(server, statement); err != nil {
		t.Log(err) // no fault of what was tested
	}
}

func edit(t testing.TB, address string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("pgtest: DATABASE_URL is not a URL") // without the error, which quotes it with its password
	}
	change(u)
	return u.String()
}

func denied(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "42501"
}

// run connects, runs one statement and disconnects.
func run(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}
