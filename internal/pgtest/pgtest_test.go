package pgtest_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/pgtest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func one[T any](t *testing.T, conn *pgx.Conn, query string) (v T) {
	t.Helper()
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&v))
	return v
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	var gone string
	t.Run("first", func(t *testing.T) {
		gone = pgtest.URL(t)
		conn := connect(t, gone)
		_, err := conn.Exec(t.Context(), "CREATE TABLE rings (id int)")
		require.NoError(t, err)
		assert.Equal(t, 0, one[int](t, connect(t, pgtest.URL(t)), "SELECT count(*)::int FROM pg_tables WHERE tablename = 'rings'"))
	})
	_, err := pgx.Connect(t.Context(), gone)
	assert.ErrorContains(t, err, "does not exist", "dropped after its test, although a connection was open")
}

func TestTheServerOfDATABASE_URLIsUsed(t *testing.T) {
	s := pgtest.Start(t)
	_, err := connect(t, s.URL()).Exec(t.Context(), "CREATE ROLE sam LOGIN; GRANT CREATE ON DATABASE postgres TO sam")
	require.NoError(t, err)
	t.Run("for a new database", func(t *testing.T) {
		t.Setenv("DATABASE_URL", s.URL())
		conn := connect(t, pgtest.URL(t))
		assert.NotEqual(t, "postgres", one[string](t, conn, "SELECT current_database()"))
		assert.Equal(t, connect(t, s.URL()).Config().Host, conn.Config().Host)
	})
	t.Run("for a new schema where databases may not be made", func(t *testing.T) {
		t.Setenv("DATABASE_URL", strings.Replace(s.URL(), "postgres@", "sam@", 1))
		conn := connect(t, pgtest.URL(t))
		assert.Equal(t, "postgres", one[string](t, conn, "SELECT current_database()"))
		_, err := conn.Exec(t.Context(), "CREATE TABLE rings (id int)")
		require.NoError(t, err)
		assert.Contains(t, one[string](t, conn, "SELECT current_schema()"), "kahu_")
	})
	assert.Equal(t, 0, one[int](t, connect(t, s.URL()), `SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'kahu%')::int
		+ (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'kahu%')::int`), "nothing is left")
}

func TestAServerKeepsItsDataAndAddress(t *testing.T) {
	s := pgtest.Start(t)
	_, err := connect(t, s.URL()).Exec(t.Context(), "CREATE TABLE rings (id int); INSERT INTO rings VALUES (1)")
	require.NoError(t, err)
	for name, end := range map[string]func(){"stopped": s.Stop, "killed": s.Kill} {
		end()
		_, err := pgx.Connect(t.Context(), s.URL())
		require.Error(t, err, name)
		s.Start()
		assert.Equal(t, 1, one[int](t, connect(t, s.URL()), "SELECT id FROM rings"), name)
	}
}

// TestAServerDiesWithTheTestProcess runs this test binary again, which prints the address of its server and then waits to be killed.
func TestAServerDiesWithTheTestProcess(t *testing.T) {
	if os.Getenv("KAHU_TEST_CHILD") != "" {
		_, _ = os.Stdout.WriteString("address " + pgtest.Start(t).URL() + "\n")
		select {}
	}
	pgtest.Start(t) // skips where nothing is installed
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), "KAHU_TEST_CHILD=1")
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	address := ""
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "address ")
	}
	require.NotEmpty(t, address)
	folder := connect(t, address).Config().Host
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	assert.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(folder, "data"))
		return os.IsNotExist(err)
	}, 30*time.Second, 20*time.Millisecond, "the server's folder is removed once it has ended")
}
