package browser_test

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// underShell runs the program until its own input ends, which it does when the test
// process ends, however that is.
const underShell = `"$0" </dev/null & program=$!; read -r _; kill "$program"; wait "$program"`

// build makes the program, once.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "koa-style")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "koa-style")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir, cmd.Stderr = "..", os.Stderr
	return binary, cmd.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, _ := build(); binary != "" {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// start runs the program, with an SQLite file of its own, until the test ends. It
// returns where it listens and what it printed so far.
func start(t *testing.T) (base string, printed func() string) {
	t.Helper()
	binary, err := build()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	_, port, _ := strings.Cut(address, ":")

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
