package openapi_test

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// underShell runs the program until its own input ends, which it does when the test
// process ends, however that is.
const underShell = `"$0" </dev/null & program=$!; read -r _; kill "$program"; wait "$program"`

// start builds the program and runs it, with an SQLite file of its own, until the test
// ends. It returns where it listens and what it printed so far.
func start(t *testing.T) (base string, printed func() string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "koa-style")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = ".."
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)

	cmd := exec.Command("sh", "-c", underShell, binary)
	out := new(output)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = t.TempDir(), out, out, 10*time.Second
	cmd.Env = append(os.Environ(), "PORT="+port, "BASE_URL=http://"+address, "DATABASE_URL=file:app.db", "REDIS_URL=", "SECRET_KEYS=", "JWT_KEY_FILE=", "SMTP_URL=")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		assert.NoError(t, cmd.Wait(), "it exits 0")
	})
	require.Eventually(t, func() bool { return healthy("http://" + address) }, 20*time.Second, 20*time.Millisecond, out)
	return "http://" + address, out.String
}

func healthy(base string) bool {
	res, err := http.Get(base + "/healthz")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == 200
}

// output is what a process prints.
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
