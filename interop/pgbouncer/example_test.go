package pgbouncer_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
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

const (
	byName = `{"username":"frodo","password":"precious-ring-1954"}`
	byMail = `{"email":"frodo@shire.example","password":"precious-ring-1954"}`
)

// launch runs the example as a process of its own until the test ends, and returns where it is.
func launch(t *testing.T, env ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "koa-style")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./examples/koa-style")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())

	cmd := exec.Command(binary)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PORT="+port, "BASE_URL=http://127.0.0.1:"+port, "REDIS_URL=", "SECRET_KEYS=", "JWT_KEY_FILE=", "SMTP_URL=", "MAIL_FROM=")
	cmd.Env = append(cmd.Env, env...)
	var log strings.Builder
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "listening on ") {
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return "http://127.0.0.1:" + port
}

// A client of the example.
type client struct {
	t    *testing.T
	base string
	http http.Client
}

func newClient(t *testing.T, base string) *client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &client{t, base, http.Client{Jar: jar, Timeout: time.Minute}}
}

// do returns the status, and the body decoded into v unless that is nil. It may be called by any goroutine.
func (c *client) do(method, path, token, body string, v any) int {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if !assert.NoError(c.t, err) {
		return 0
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(r)
	if !assert.NoError(c.t, err) {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	assert.NoError(c.t, err)
	if v != nil {
		assert.NoError(c.t, json.Unmarshal(text, v), string(text))
	}
	return res.StatusCode
}

// ready waits until the example answers.
func (c *client) ready() {
	require.Eventually(c.t, func() bool {
		res, err := c.http.Get(c.base + "/healthz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == 200
	}, patience, 10*time.Millisecond)
}

// visit is what one client does: it logs in both ways, reads what is guarded, and logs out.
func (c *client) visit(reads int) {
	var issued, more struct{ Token, ID string }
	assert.Equal(c.t, 201, c.do("POST", "/session", "", byName, nil))
	assert.Equal(c.t, 200, c.do("POST", "/api/login", "", byMail, &issued))
	for range reads {
		assert.Equal(c.t, 200, c.do("GET", "/session", "", "", nil))
		assert.Equal(c.t, 200, c.do("GET", "/ringsofpower", "", "", nil))
		assert.Equal(c.t, 200, c.do("GET", "/api/me", issued.Token, "", nil))
	}
	assert.Equal(c.t, 201, c.do("POST", "/api/tokens", issued.Token, `{"name":"palantir"}`, &more))
	assert.Equal(c.t, 200, c.do("GET", "/api/me", more.Token, "", nil))
	assert.Equal(c.t, 204, c.do("DELETE", "/api/tokens/"+more.ID, issued.Token, "", nil))
	assert.Equal(c.t, 401, c.do("GET", "/api/me", more.Token, "", nil))
	assert.Equal(c.t, 204, c.do("DELETE", "/session", "", "", nil))
	assert.Equal(c.t, 401, c.do("GET", "/session", "", "", nil))
	assert.Less(c.t, c.do("POST", "/api/logout", issued.Token, "", nil), 300)
	assert.Equal(c.t, 401, c.do("GET", "/api/me", issued.Token, "", nil))
}

func TestExample(t *testing.T) {
	b := newBouncer(t)
	base := launch(t, "DATABASE_POOLER=1", "DATABASE_URL="+b.newDatabase("example"))
	newClient(t, base).ready()
	t.Run("many clients at once", func(t *testing.T) {
		var all sync.WaitGroup
		for range 8 { // the sessions that one user may have are more
			c := newClient(t, base)
			all.Go(func() { c.visit(20) })
		}
		all.Wait()
	})
	t.Run("a bouncer that is started again", func(t *testing.T) {
		c := newClient(t, base)
		var issued struct{ Token string }
		require.Equal(t, 201, c.do("POST", "/session", "", byName, nil))
		require.Equal(t, 200, c.do("POST", "/api/login", "", byMail, &issued))
		b.end()
		for path, token := range map[string]string{"/session": "", "/ringsofpower": "", "/api/me": issued.Token} {
			assert.Equal(t, 503, c.do("GET", path, token, "", nil), path)
		}
		assert.Equal(t, 503, c.do("DELETE", "/session", "", "", nil), "who cannot be logged out is told so")
		b.start()
		for range 30 { // more than the pool has connections that have died
			for path, token := range map[string]string{"/session": "", "/ringsofpower": "", "/api/me": issued.Token} {
				assert.Equal(t, 200, c.do("GET", path, token, "", nil), path)
			}
		}
		assert.Equal(t, 204, c.do("DELETE", "/session", "", "", nil))
	})
	t.Run("a bouncer that is started again below many clients", func(t *testing.T) {
		c := newClient(t, base)
		require.Equal(t, 201, c.do("POST", "/session", "", byName, nil))
		statuses, done := sync.Map{}, make(chan struct{})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						statuses.Store(c.do("GET", "/ringsofpower", "", "", nil), true)
					}
				}
			})
		}
		seen := func(status int) func() bool {
			return func() bool { _, ok := statuses.Load(status); return ok }
		}
		require.Eventually(t, seen(200), patience, time.Millisecond)
		b.end()
		require.Eventually(t, seen(503), patience, time.Millisecond)
		b.start()
		statuses.Delete(200)
		require.Eventually(t, seen(200), patience, time.Millisecond)
		close(done)
		all.Wait()
		statuses.Range(func(status, _ any) bool {
			assert.Contains(t, []int{200, 503}, status, "a fault is no logout, and no bug")
			return true
		})
		assert.Equal(t, 200, c.do("GET", "/session", "", "", nil), "the session has outlived it")
	})
}
