// Package pgbouncer_test has everything that we keep in Postgres behind a PgBouncer that hands out
// another connection for each transaction.
package pgbouncer_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/daemon"
	"github.com/kahu-go/kahu/internal/pgtest"
)

const config = `[databases]
* = host=%s user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`

const patience = 30 * time.Second // for what a healthy server does in a fraction of it

// A bouncer stands before a Postgres of one test's own, with fewer connections to it than it has
// clients. It listens on a Unix socket only, and may be ended and started again.
type bouncer struct {
	t       *testing.T
	folder  string
	address string // of the Postgres behind
	program string
	process *daemon.Process // nil while it is away
}

func newBouncer(t *testing.T) *bouncer {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer") // no ordinary user's PATH has it
	}
	if err != nil {
		daemon.Missing(t, "pgbouncer is not installed")
	}
	folder, err := daemon.NewFolder("kahu-bouncer-")
	require.NoError(t, err)
	b := &bouncer{t: t, folder: folder, address: pgtest.Start(t).URL(), program: program}
	t.Cleanup(func() {
		b.end()
		_ = os.RemoveAll(folder)
	})
	users := filepath.Join(folder, "users")
	b.write(users, `"postgres" ""`+"\n")
	b.write(b.ini(), fmt.Sprintf(config, parse(t, b.address).Query().Get("host"), folder, users))
	b.start()
	return b
}

func (b *bouncer) ini() string { return filepath.Join(b.folder, "pgbouncer.ini") }

// write makes a file that the account which servers run as can read: the folder is closed to others.
func (b *bouncer) write(file, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(file, []byte(text), 0o644))
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u
}

// url is the address of a database through the bouncer.
func (b *bouncer) url(name string) string {
	q := url.Values{"host": {b.folder}, "port": {"6432"}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + name, RawQuery: q.Encode()}).String()
}

// newDatabase makes an empty database and returns its address through the bouncer.
func (b *bouncer) newDatabase(name string) string {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.address)
	require.NoError(b.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(b.t.Context(), "CREATE DATABASE "+name)
	require.NoError(b.t, err)
	return b.url(name)
}

// open opens a pool through the bouncer.
func open(t *testing.T, address string) *bun.DB {
	t.Helper()
	db, err := database.Open(address, database.BehindPooler())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// start runs the bouncer until it lets somebody in.
func (b *bouncer) start() {
	b.t.Helper()
	process, err := daemon.Start(daemon.Program{Folder: b.folder, Args: []string{b.program, b.ini()}, LastWord: "KILL"})
	require.NoError(b.t, err)
	b.process = process
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, b.url("postgres"))
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-process.Gone():
			b.t.Fatal("pgbouncer ended at once: ", daemon.Tail(filepath.Join(b.folder, "log")))
		case <-ctx.Done():
			b.t.Fatal(err, daemon.Tail(filepath.Join(b.folder, "log")))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// end ends the bouncer, and with it all connections through it.
func (b *bouncer) end() {
	if b.process != nil {
		_ = b.process.End("TERM")
		b.process = nil
	}
}
