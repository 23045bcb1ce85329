//go:build !unix

package daemon

import (
	"errors"
	"os/exec"
)

var errPlatform = errors.New("daemon: throwaway servers need a Unix system")

func command(string, string, ...string) (*exec.Cmd, error) { return nil, errPlatform }

// NewFolder makes a temporary folder for a server.
func NewFolder(string) (string, error) { return "", errPlatform }
