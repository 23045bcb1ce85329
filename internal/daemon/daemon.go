// Package daemon runs server programs for tests: as an ordinary account, in a folder of their own, and never longer than the test
// process lives, however that ends.
package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Required tells whether a test must fail, not skip, when a server program is missing: KAHU_REQUIRE_SERVERS=1.
func Required() bool { return os.Getenv("KAHU_REQUIRE_SERVERS") == "1" }

// Missing ends the test: skipped with the reason, or failed if servers are [Required].
func Missing(t testing.TB, reason string) {
	t.Helper()
	if Required() {
		t.Fatalf("%s (KAHU_REQUIRE_SERVERS=1)", reason)
	}
	t.Skip(reason)
}

// Program describes what to run.
type Program struct {
	Folder   string   // made by [NewFolder]; removed by the watcher if this process dies
	Args     []string // the program's path and its arguments
	LastWord string   // the signal sent if this process dies: "QUIT", "KILL", …
}

// Process is a running server and the watcher that ends it. Its methods are not for concurrent use.
type Process struct {
	words io.WriteCloser // to the watcher; closed by the kernel when we die
	gone  chan struct{}
	wait  func() error
}

// watcher is the shell program between us and the server. It reads one word, the signal to send. The end of its input means that this process
// is gone without a word, then it also removes the folder. File descriptor 3 is held by the server and its children only.
const watcher = `
folder=$1 last=$2; shift 2
"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
exec 3>&-
if read -r word; then
	kill -"$word" "$server" 2>/dev/null
	wait "$server"
else
	kill -"$last" "$server" 2>/dev/null
	wait "$server"
	rm -rf "$folder"
fi
exit 0
`

// Start runs p. The error does not tell whether the server became ready; wait for that with [Process.Gone] beside.
func Start(p Program) (*Process, error) {
	alive, aliveChild, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	defer func() { _ = aliveChild.Close() }()
	args := append([]string{"-c", watcher, "sh", p.Folder, p.LastWord}, p.Args...)
	cmd, err := command(p.Folder, "sh", args...)
	if err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	cmd.ExtraFiles = []*os.File{aliveChild}
	words, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("daemon: %w", errors.Join(err, alive.Close()))
	}
	process := &Process{words: words, gone: make(chan struct{}), wait: cmd.Wait}
	go func() {
		defer close(process.gone)
		defer func() { _ = alive.Close() }()
		_, _ = io.Copy(io.Discard, alive) // ends when the last process that holds the other end has ended
	}()
	return process, nil
}

// Gone is closed when the server and every child of it have ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// End sends the signal ("INT", "KILL", …) and waits until the server and its children are gone.
func (p *Process) End(signal string) error {
	_, err := io.WriteString(p.words, signal+"\n")
	err = errors.Join(err, p.words.Close(), p.wait())
	<-p.gone
	return err
}

// Run runs a program to its end, as the account that servers run as. The error carries what it printed.
func Run(folder, name string, args ...string) error {
	cmd, err := command(folder, name, args...)
	if err != nil {
		return err
	}
	// A file, not a pipe: a pipe would be waited for as long as any grandchild holds it.
	out, err := os.Create(filepath.Join(folder, "run.log"))
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("daemon: %s: %w\n%s", filepath.Base(name), err, Tail(out.Name()))
	}
	return nil
}

// Tail is the end of a log file, for error texts. It is empty if the file cannot be read.
func Tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	const limit = 2000
	if len(text) > limit {
		text = text[len(text)-limit:]
	}
	return string(text)
}
