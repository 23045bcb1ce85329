package redistest

import (
	"os"
	"testing"
)

// Borrow is what [URL] does where redis-server is not installed.
func Borrow(t testing.TB) string { return borrow(t, os.Getenv("REDIS_URL")) }
