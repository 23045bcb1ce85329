package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
)

// What takes the program as it is run. Nothing has to be installed for it.
func TestProcess(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "koa-style")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	t.Run("SIGTERM finishes what is in flight", func(t *testing.T) { testSIGTERM(t, binary) })
	sqlite := func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "app.db") }
	t.Run("two are one issuer on SQLite", func(t *testing.T) { testOneIssuer(t, binary, sqlite(t), "") })
	t.Run("two are one issuer on Postgres", func(t *testing.T) { testOneIssuer(t, binary, pgtest.URL(t), "") })
	t.Run("two are one issuer on Redis", func(t *testing.T) { testOneIssuer(t, binary, sqlite(t), redistest.URL(t)) })
	t.Run("what one ends is over on the other on SQLite", func(t *testing.T) { testEndedOnTheOther(t, binary, sqlite(t), "") })
	t.Run("what one ends is over on the other on Postgres", func(t *testing.T) { testEndedOnTheOther(t, binary, pgtest.URL(t), "") })
	t.Run("what one ends is over on the other on Redis", func(t *testing.T) { testEndedOnTheOther(t, binary, sqlite(t), redistest.URL(t)) })
}

// launch runs the program as a process of its own, and returns when it has printed where
// it listens.
func launch(t *testing.T, binary string, env ...string) (cmd *exec.Cmd, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, l.Close())

	cmd = exec.Command(binary)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PORT="+port, "BASE_URL=http://127.0.0.1:"+port, "DATABASE_URL=", "REDIS_URL=", "SECRET_KEYS=", "JWT_KEY_FILE=", "SMTP_URL=")
	cmd.Env = append(cmd.Env, env...)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "  log in as sam") {
	}
	return cmd, address
}

func testSIGTERM(t *testing.T, binary string) {
	cmd, address := launch(t, binary)

	// A login whose last byte is missing is in flight when the signal comes.
	conn := dial(t, address)
	_, err := io.WriteString(conn, "POST /session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 52\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue", "the handler reads the body")
	_, err = io.WriteString(conn, good[:51])
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_, err = io.WriteString(conn, good[51:])
	require.NoError(t, err)
	rest, err := io.ReadAll(answer)
	require.NoError(t, err)
	assert.Contains(t, string(rest), "201 Created")
	assert.NoError(t, cmd.Wait(), "exits 0")
	info, err := os.Stat(filepath.Join(cmd.Dir, "app.db"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// dial connects once the program listens, which it does right after it has printed.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.NoError(t, t.Context().Err())
	}
}
