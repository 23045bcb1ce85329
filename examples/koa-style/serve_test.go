package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/passwords"
)

// quick takes no time, where the default takes seconds under the race detector. That the
// program makes the accounts itself, with the default, is what TestProcess shows.
var quick = passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4})

// quiet is where events go that no test reads.
var quiet = slog.New(slog.DiscardHandler)

// withAccounts gives a database the accounts before the program starts.
func withAccounts(t *testing.T, url string) {
	t.Helper()
	db, err := database.Open(url)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, makeTables(t.Context(), db))
	require.NoError(t, seedUsers(t.Context(), db, quick))
	require.NoError(t, seedAdmin(t.Context(), db, quick))
}

// serve runs the program's handler in this process, over a database that the test
// watches and stores that it may change.
func serve(t *testing.T, url string, change func(s *stores)) (*visitor, *sqltrace.Trace) {
	t.Helper()
	withAccounts(t, url)
	db, trace := sqltrace.Open(t, url)
	c, err := readConfig(func(string) string { return "" })
	require.NoError(t, err)
	c.hasher, c.log = quick, quiet
	s := &stores{db: db}
	require.NoError(t, s.open(t.Context(), c))
	require.NoError(t, seed(t.Context(), db))
	change(s)
	server := httptest.NewServer(newSite(c, s, accounts.PrintMailer(io.Discard)).app())
	t.Cleanup(server.Close)
	return newVisitor(t, server.URL), trace
}

// start runs the program until the test ends and returns its address and what it printed.
func start(t *testing.T, env map[string]string) (base string, printed func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	all := map[string]string{"PORT": port, "DATABASE_URL": "file:" + filepath.Join(t.TempDir(), "app.db"), "BASE_URL": "http://127.0.0.1:" + port}
	for k, v := range env {
		all[k] = v
	}
	withAccounts(t, all["DATABASE_URL"])
	c, err := readConfig(func(name string) string { return all[name] })
	require.NoError(t, err)
	c.hasher, c.log = quick, quiet
	ctx, stop := context.WithCancel(context.Background())
	out := new(output)
	done := make(chan error, 1)
	go func() { done <- c.run(ctx, out) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-done)
	})
	base = "http://127.0.0.1:" + port
	require.Eventually(t, func() bool {
		res, err := http.Get(base + "/healthz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == 200
	}, 20*time.Second, 10*time.Millisecond)
	return base, out.String
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
