// Package redistest gives tests a real Redis: a throwaway server started from the installed redis-server, else a free logical database
// on the server that REDIS_URL names. Without either a test is skipped, or failed where KAHU_REQUIRE_SERVERS=1.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kahu-go/kahu/internal/daemon"
)

const (
	patience  = 30 * time.Second // for what a healthy server does in a fraction of it
	databases = 4096             // of the shared server; one a test
)

// shared is the one server of this test process. Nobody stops it: its watcher does when the process ends.
var shared = sync.OnceValues(func() (*Server, error) {
	s, err := newServer("--databases", strconv.Itoa(databases))
	if err != nil {
		return nil, err
	}
	return s, s.start()
})

var taken atomic.Int64

// URL is the address, for [redis.ParseURL], of an empty logical database that this test has for itself.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if errors.Is(err, errNotInstalled) {
		if server := os.Getenv("REDIS_URL"); server != "" {
			return borrow(t, server)
		}
		daemon.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	n := taken.Add(1)
	if n >= databases {
		t.Fatal("redistest: too many tests for one process")
	}
	return s.URL() + "?db=" + strconv.FormatInt(n, 10)
}

// borrow takes a logical database that is empty and that no other test process has claimed, and empties it afterwards.
// The claims are kept in database 0, so that the borrowed one starts empty.
func borrow(t testing.TB, server string) string {
	t.Helper()
	o, err := redis.ParseURL(server)
	if err != nil {
		t.Fatal("redistest: REDIS_URL is not a URL of Redis") // without the error, which may quote its password
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for n := 1; n < 16; n++ {
		free, err := claim(ctx, o, n)
		if err != nil {
			t.Fatal(err)
		}
		if free {
			t.Cleanup(func() { release(t, o, n) })
			return withDatabase(server, n)
		}
	}
	t.Fatal("redistest: none of the logical databases 1 to 15 of REDIS_URL is empty")
	return ""
}

func claim(ctx context.Context, o *redis.Options, n int) (bool, error) {
	claims := client(o, 0)
	defer claims.Close()
	err := claims.SetArgs(ctx, claimKey(n), os.Getpid(), redis.SetArgs{Mode: "NX", TTL: time.Hour}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("redistest: %w", err)
	}
	db := client(o, n)
	defer db.Close()
	size, err := db.DBSize(ctx).Result()
	if err != nil || size > 0 {
		return false, errors.Join(err, claims.Del(ctx, claimKey(n)).Err())
	}
	return true, nil
}

func release(t testing.TB, o *redis.Options, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, claims := client(o, n), client(o, 0)
	defer db.Close()
	defer claims.Close()
	if err := errors.Join(db.FlushDB(ctx).Err(), claims.Del(ctx, claimKey(n)).Err()); err != nil {
		t.Log(err)
	}
}

func client(o *redis.Options, db int) *redis.Client {
	own := *o
	own.DB = db
	return redis.NewClient(&own)
}

func claimKey(n int) string { return "kahu-redistest:" + strconv.Itoa(n) }
