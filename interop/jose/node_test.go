package jose_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/daemon"
)

// secret is what both sides know. It is long enough for each of the HMACs.
var secret = []byte("one ring to rule them all, one ring to find them, one ring to bring them all")

// pinned is how the manifest, the lock and the library itself say its version.
type pinned struct {
	Version      string
	Dependencies map[string]string
	Packages     map[string]map[string]any
}

func read(file string) (p pinned, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err
}

// install puts the library beside the scripts, unless it is there.
var install = sync.OnceValue(func() error {
	wanted, err := read("package.json")
	if err != nil {
		return err
	}
	there, err := read(filepath.Join("node_modules", "jose", "package.json"))
	if err == nil && there.Version == wanted.Dependencies["jose"] {
		return nil
	}
	_, err = run(3*time.Minute, os.Environ(), nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	return err
})

// run runs a program to its end, which comes in time.
func run(limit time.Duration, env []string, input []byte, name string, args ...string) (output []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin, cmd.WaitDelay = env, bytes.NewReader(input), 5*time.Second
	output, err = cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s: %w: %s", name, err, e.Stderr)
	}
	return output, err
}

// node runs a script with an input and decodes its output. Where node is missing the test
// is skipped, or fails if nothing may be missing.
func node(t *testing.T, script string, input, output any) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		daemon.Missing(t, "node is not installed")
	}
	if err := install(); err != nil {
		daemon.Missing(t, err.Error())
	}
	asked, err := json.Marshal(input)
	require.NoError(t, err)
	env := []string{"PATH=" + os.Getenv("PATH"), "JWT_SECRET=" + base64.RawURLEncoding.EncodeToString(secret)}
	answer, err := run(time.Minute, env, asked, "node", script)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(answer, output), "%s", answer)
}

// The lock says by a hash what the library is, and nothing of where it comes from.
func TestTheLibraryIsPinned(t *testing.T) {
	wanted, err := read("package.json")
	require.NoError(t, err)
	assert.Regexp(t, `^5\.\d+\.\d+$`, wanted.Dependencies["jose"])
	lock, err := read("package-lock.json")
	require.NoError(t, err)
	require.Contains(t, lock.Packages, "node_modules/jose")
	for name, p := range lock.Packages {
		assert.NotContains(t, p, "resolved", name)
		if name != "" {
			assert.Equal(t, wanted.Dependencies["jose"], p["version"])
			assert.Regexp(t, `^sha512-`, p["integrity"], name)
		}
	}
}
