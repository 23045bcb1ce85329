package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kahu-go/kahu/internal/daemon"
)

var errNotInstalled = errors.New("pgtest: no Postgres: neither DATABASE_URL is set nor are initdb and postgres installed")

// Server is a Postgres of one test's own, which may be stopped, killed and started again. It keeps its data and its address meanwhile.
// It listens on a Unix socket only. Not for concurrent use.
type Server struct {
	t       testing.TB // nil for the shared one
	folder  string
	bin     string
	process *daemon.Process // nil while stopped
}

// Start runs a new server for this test alone and stops it at its end. It never uses DATABASE_URL.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := newServer()
	if errors.Is(err, errNotInstalled) {
		daemon.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(func() {
		s.end("QUIT")
		if err := os.RemoveAll(s.folder); err != nil {
			t.Log(err)
		}
	})
	s.Start()
	return s
}

// URL is the address of the server's empty database "postgres".
func (s *Server) URL() string {
	q := url.Values{"host": {s.folder}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: q.Encode()}).String()
}

// Start starts a stopped server and returns when it answers. A running one stays as it is.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Stop ends the server in order: connections are cut, what was committed is kept.
func (s *Server) Stop() { s.t.Helper(); s.end("INT") }

// Kill ends the server as a crash does (SIGKILL).
func (s *Server) Kill() { s.t.Helper(); s.end("KILL") }

func (s *Server) end(signal string) {
	if s.process == nil {
		return
	}
	if err := s.process.End(signal); err != nil {
		s.t.Log(err)
	}
	s.process = nil
}

func newServer() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	folder, err := daemon.NewFolder("kahu-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, bin: bin}
	err = daemon.Run(folder, filepath.Join(bin, "initdb"), "--pgdata", s.data(), "--username", "postgres",
		"--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// start leaves synchronous_commit on, so that a killed server keeps what it acknowledged. Only a crash of the machine would lose it.
func (s *Server) start() error {
	if s.process != nil {
		return nil
	}
	process, err := daemon.Start(daemon.Program{Folder: s.folder, LastWord: "QUIT", Args: []string{
		filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.folder, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "timezone=HST10",
	}})
	if err != nil {
		return err
	}
	s.process = process
	return s.ready()
}

func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.Gone():
			return fmt.Errorf("pgtest: the server ended at once: %w\n%s", err, daemon.Tail(filepath.Join(s.folder, "log")))
		case <-ctx.Done():
			return fmt.Errorf("pgtest: the server does not answer: %w\n%s", err, daemon.Tail(filepath.Join(s.folder, "log")))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// programs is the folder of initdb and postgres. Debian keeps them out of the path; the newest version is taken.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && isProgram(filepath.Join(filepath.Dir(path), "postgres")) {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNotInstalled
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func isProgram(path string) bool {
	_, err := exec.LookPath(path)
	return err == nil
}
