package redistest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kahu-go/kahu/internal/daemon"
)

var errNotInstalled = errors.New("redistest: no Redis: redis-server is not installed and REDIS_URL is not set")

// Server is a Redis of one test's own, which may be stopped, killed and started again. It keeps its data and its address meanwhile:
// it appends each write to a file before it answers, and evicts nothing. It listens on a Unix socket only. Not for concurrent use.
type Server struct {
	t       testing.TB // nil for the shared one
	folder  string
	args    []string
	process *daemon.Process // nil while stopped
}

// Start runs a new server for this test alone and stops it at its end. args are added to its command line and win over ours:
// "--appendonly", "no", say. It never uses REDIS_URL.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := newServer(args...)
	if errors.Is(err, errNotInstalled) {
		daemon.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(func() {
		s.end("KILL")
		if err := os.RemoveAll(s.folder); err != nil {
			t.Log(err)
		}
	})
	s.Start()
	return s
}

// URL is the server's address, for [redis.ParseURL].
func (s *Server) URL() string { return "unix://" + s.socket() }

// Start starts a stopped server and returns when it answers. A running one stays as it is.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Stop ends the server in order.
func (s *Server) Stop() { s.t.Helper(); s.end("TERM") }

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

func newServer(args ...string) (*Server, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errNotInstalled
	}
	folder, err := daemon.NewFolder("kahu-redis-")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder}
	s.args = append([]string{program, "--port", "0", "--unixsocket", s.socket(), "--dir", folder, "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"}, args...)
	return s, nil
}

func (s *Server) socket() string { return filepath.Join(s.folder, "redis.sock") }

func (s *Server) start() error {
	if s.process != nil {
		return nil
	}
	process, err := daemon.Start(daemon.Program{Folder: s.folder, Args: s.args, LastWord: "KILL"})
	if err != nil {
		return err
	}
	s.process = process
	return s.ready()
}

func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), MaxRetries: -1})
	defer c.Close()
	for {
		err := c.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-s.process.Gone():
			return fmt.Errorf("redistest: the server ended at once: %w\n%s", err, daemon.Tail(filepath.Join(s.folder, "log")))
		case <-ctx.Done():
			return fmt.Errorf("redistest: the server does not answer: %w\n%s", err, daemon.Tail(filepath.Join(s.folder, "log")))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// withDatabase names logical database n in the address; a parsed address with a path says it there, one of a socket in the query.
func withDatabase(address string, n int) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // not reached: redis.ParseURL took it
	}
	if u.Scheme == "unix" {
		q := u.Query()
		q.Set("db", strconv.Itoa(n))
		u.RawQuery = q.Encode()
		return u.String()
	}
	u.Path = "/" + strconv.Itoa(n)
	return u.String()
}
