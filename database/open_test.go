package database_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
)

func open(t *testing.T, address string, options ...database.Option) *bun.DB {
	t.Helper()
	db, err := database.Open(address, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newFile(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "app.db") }

func onBoth(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, newFile(t))) })
	t.Run("memory", func(t *testing.T) { test(t, open(t, ":memory:")) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, pgtest.URL(t))) })
}

func exec(t *testing.T, db *bun.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

func one[T any](t *testing.T, db bun.IDB, query string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&v))
	return v
}

// with adds parameters to the address.
func with(address, parameters string) string {
	if strings.Contains(address, "?") {
		return address + "&" + parameters
	}
	return address + "?" + parameters
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestAWrongAddressIsAnErrorThatNeverContainsThePassword(t *testing.T) {
	port := closedPort(t)
	for name, c := range map[string]struct {
		address string
		is      error // nil: the driver's
	}{
		"empty":                           {"", database.ErrAddress},
		"a file name alone":               {"s3cret.db", database.ErrAddress},
		"another database":                {"mysql://frodo:s3cret@localhost/app", database.ErrAddress},
		"key and value":                   {"host=localhost password=s3cret", database.ErrAddress},
		"nobody listens":                  {"postgres://frodo:s3cret@" + port + "/app", nil},
		"password as a parameter":         {"postgres://" + port + "/app?user=frodo&password=s3cret", nil},
		"wrong port":                      {"postgres://frodo:s3cret@localhost:x/app", database.ErrAddress},
		"wrong sslmode":                   {"postgres://frodo:s3cret@localhost/app?sslmode=perhaps", database.ErrAddress},
		"no such certificate":             {"postgres://frodo:s3cret@localhost/app?sslmode=verify-full&sslrootcert=/none", database.ErrAddress},
		"wrong percent-encoding":          {"postgres://frodo:%zzs3cret@localhost/app", database.ErrAddress},
		"control character":               {"postgres://frodo:s3cret\n@" + port + "/app", nil},
		"password with #":                 {"postgres://frodo:12#s3cret@localhost/app", database.ErrAddress},
		"password with ?":                 {"postgres://frodo:12?s3cret@localhost/app", database.ErrAddress},
		"password with /":                 {"postgres://frodo:12/s3cret@localhost/app", database.ErrAddress},
		"password with / and no number":   {"postgres://frodo:s3cret/x@localhost/app", database.ErrAddress},
		"SQLite, wrong percent-encoding":  {"file:app%zz.db", database.ErrAddress},
		"SQLite, wrong parameter":         {"file::memory:?_txlock=s", nil},
		"SQLite, a file on another host":  {"file://server/app.db", database.ErrAddress},
		"SQLite, no such folder":          {"file:" + t.TempDir() + "/none/app.db", os.ErrNotExist},
		"SQLite, a folder":                {"file:" + t.TempDir(), nil},
		"SQLite, missing and not to make": {"file:" + t.TempDir() + "/app.db?mode=rw", nil},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(c.address)
			require.Error(t, err)
			assert.Nil(t, db)
			if c.is != nil {
				assert.ErrorIs(t, err, c.is)
			}
			assert.NotContains(t, fmt.Sprintf("%+v", err), "s3cret")
			assert.True(t, strings.HasPrefix(err.Error(), "database: "), err.Error())
		})
	}
}

func TestAnErrorOfTheAddressSaysWhatIsWrong(t *testing.T) {
	_, err := database.Open("postgres://frodo:s3cret@localhost/app?sslmode=perhaps")
	assert.ErrorContains(t, err, "sslmode")
}

func TestAServerThatDoesNotAnswerIsAnErrorInTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, err = database.Open("postgres://frodo:s3cret@" + listener.Addr().String() + "/app?sslmode=disable&connect_timeout=1")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "s3cret")
}

func TestAPasswordWithSpecialCharactersIsPercentEncoded(t *testing.T) {
	address, password := pgtest.Start(t).URL(), `p@ss:w/o?r#d%&'"\`
	exec(t, open(t, address), "CREATE ROLE frodo LOGIN PASSWORD ?", password)
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.User = url.UserPassword("frodo", password)
	assert.Equal(t, "frodo", one[string](t, open(t, u.String()), "SELECT current_user"))
}

func TestTheSettingsOfASessionAreSafe(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		db := open(t, newFile(t))
		assert.Equal(t, "wal", one[string](t, db, "PRAGMA journal_mode"))
		for pragma, want := range map[string]int{"busy_timeout": 5000, "synchronous": 2, "foreign_keys": 1} {
			assert.Equal(t, want, one[int](t, db, "PRAGMA "+pragma), pragma)
		}
		assert.Equal(t, 8, db.Stats().MaxOpenConnections)
	})
	t.Run("memory", func(t *testing.T) {
		assert.Equal(t, 1, open(t, "file::memory:").Stats().MaxOpenConnections)
		assert.Equal(t, 1, open(t, "file:shire?mode=memory").Stats().MaxOpenConnections)
	})
	t.Run("postgres", func(t *testing.T) {
		db := open(t, pgtest.URL(t))
		for name, want := range map[string]string{"standard_conforming_strings": "on", "client_encoding": "UTF8", "statement_timeout": "10s"} {
			assert.Equal(t, want, one[string](t, db, "SHOW "+name), name)
		}
		assert.Equal(t, 20, db.Stats().MaxOpenConnections)
	})
}

func TestParametersOfTheAddressComeInsteadOfOurs(t *testing.T) {
	for query, want := range map[string]map[string]int{
		"_pragma=busy_timeout(1000)":        {"busy_timeout": 1000, "synchronous": 2},
		"_pragma=Synchronous%3DNORMAL":      {"busy_timeout": 5000, "synchronous": 1},
		"_timeout=700&_fk=0":                {"busy_timeout": 700, "foreign_keys": 0},
		"_sync=1&_pragma=cache_size(-1234)": {"synchronous": 1, "cache_size": -1234},
	} {
		db := open(t, newFile(t)+"?"+query)
		for pragma, value := range want {
			assert.Equal(t, value, one[int](t, db, "PRAGMA "+pragma), query)
		}
	}
	t.Run("postgres", func(t *testing.T) {
		db := open(t, with(pgtest.URL(t), "statement_timeout=1234&standard_conforming_strings=off&client_encoding=LATIN1"))
		assert.Equal(t, "1234ms", one[string](t, db, "SHOW statement_timeout"))
		assert.Equal(t, "on", one[string](t, db, "SHOW standard_conforming_strings"), "but not this")
		assert.Equal(t, "UTF8", one[string](t, db, "SHOW client_encoding"), "nor this")
	})
}

func TestANewFileIsForThisAccountOnly(t *testing.T) {
	folder := t.TempDir()
	for _, address := range []string{"file:" + folder + "/a.db", "file://" + folder + "/b%20c.db", "file://localhost" + folder + "/d.db"} {
		exec(t, open(t, address), "CREATE TABLE rings (id INTEGER)")
	}
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	names := []string{}
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), file.Name())
		names = append(names, file.Name())
	}
	assert.Subset(t, names, []string{"a.db", "a.db-wal", "b c.db", "d.db"})
}

func TestManyProcessesMayOpenANewFileAtOnce(t *testing.T) {
	address := newFile(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			db, err := database.Open(address)
			if assert.NoError(t, err) {
				assert.NoError(t, db.Close())
			}
		})
	}
	group.Wait()
}

func TestAnAbandonedQueryDoesNotLoseTheMemory(t *testing.T) {
	db := open(t, ":memory:")
	exec(t, db, "CREATE TABLE rings (id INTEGER)")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := db.ExecContext(ctx, endless)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, 0, one[int](t, db, "SELECT count(*) FROM rings"))
}

func TestWrappersSeeEachConnection(t *testing.T) {
	made := 0
	count := func(inner driver.Connector) driver.Connector { return countingConnector{inner, &made} }
	open(t, ":memory:", database.Wrap(count), database.Wrap(count))
	assert.Equal(t, 2, made)
	assert.PanicsWithValue(t, "database: Wrap needs a function", func() { database.Wrap(nil) })
}

type countingConnector struct {
	driver.Connector
	made *int
}

func (c countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	*c.made++
	return c.Connector.Connect(ctx)
}

func TestAnErrorWhileOpeningClosesThePool(t *testing.T) {
	fault := errors.New("no connection")
	_, err := database.Open(":memory:", database.Wrap(func(inner driver.Connector) driver.Connector {
		return failingConnector{inner, fault}
	}))
	require.ErrorIs(t, err, fault)
}

type failingConnector struct {
	driver.Connector
	fault error
}

func (c failingConnector) Connect(context.Context) (driver.Conn, error) { return nil, c.fault }
