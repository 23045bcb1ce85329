//go:build unix

package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is who servers run as if we are root, since Postgres refuses root: postgres where it exists, else nobody.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("daemon: account %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("daemon: no account to run a server as (postgres, nobody)")
}

func command(folder, name string, args ...string) (*exec.Cmd, error) {
	who, err := account()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	// A group of its own: an interrupt typed at the terminal ends the tests, and only thereby the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	return cmd, nil
}

// NewFolder makes a temporary folder that only the servers' account (and root) can enter. The caller removes it.
func NewFolder(prefix string) (string, error) {
	who, err := account()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", fmt.Errorf("daemon: %w", err)
	}
	if who != nil {
		err = os.Chown(folder, int(who.Uid), int(who.Gid))
	}
	return folder, err
}
