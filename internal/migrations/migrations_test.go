package migrations_test

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/kahu-go/kahu/internal/migrations"
	"github.com/kahu-go/kahu/internal/pgtest"
)

const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"

func sqlite(t *testing.T, path string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path+pragmas)
	require.NoError(t, err)
	require.NoError(t, pool.PingContext(t.Context()), "the change to WAL is not to meet a lock")
	db := bun.NewDB(pool, sqlitedialect.New())
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func postgres(t *testing.T, address string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("pgx", address)
	require.NoError(t, err)
	db := bun.NewDB(pool, pgdialect.New())
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// steps has the same files for both dialects.
func steps(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files["migrations/sqlite/"+name] = &fstest.MapFile{Data: []byte(text)}
		files["migrations/postgres/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

var (
	first  = steps(map[string]string{"0001_rings.up.sql": "CREATE TABLE rings (name TEXT); INSERT INTO rings VALUES ('narya?')"})
	second = steps(map[string]string{
		"0001_rings.up.sql":   "CREATE TABLE rings (name TEXT); INSERT INTO rings VALUES ('narya?')",
		"0002_bearers.up.sql": "CREATE TABLE bearers (name TEXT); INSERT INTO rings VALUES ('nenya')",
	})
	broken = steps(map[string]string{
		"0001_rings.up.sql": "CREATE TABLE rings (name TEXT)",
		"0002_fails.up.sql": "CREATE TABLE bearers (name TEXT); INSERT INTO nowhere VALUES (1)",
	})
)

func rings(t *testing.T, db *bun.DB) (names []string) {
	t.Helper()
	require.NoError(t, db.NewSelect().Table("rings").Column("name").Order("name").Scan(t.Context(), &names))
	return names
}

func rows(t *testing.T, db *bun.DB, table string) int {
	t.Helper()
	n, err := db.NewSelect().Table(table).Count(t.Context())
	require.NoError(t, err)
	return int(n)
}

// everywhere runs a test on both databases; each call of open gives another pool on the same, at first empty, one.
func everywhere(t *testing.T, test func(t *testing.T, open func() *bun.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "app.db")
		test(t, func() *bun.DB { return sqlite(t, path) })
	})
	t.Run("postgres", func(t *testing.T) {
		address := pgtest.URL(t)
		test(t, func() *bun.DB { return postgres(t, address) })
	})
}

func TestRunAppliesEachStepOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, open func() *bun.DB) {
		db := open()
		require.NoError(t, migrations.Run(t.Context(), db, "rings", first))
		require.NoError(t, migrations.Run(t.Context(), db, "rings", first))
		assert.Equal(t, []string{"narya?"}, rings(t, db))

		require.NoError(t, migrations.Run(t.Context(), db, "rings", second), "a later release")
		assert.Equal(t, []string{"narya?", "nenya"}, rings(t, db))
		require.NoError(t, migrations.Run(t.Context(), db, "rings", first), "the older release beside it")
		assert.Equal(t, 2, rows(t, db, "kahu_rings_migrations"))
		assert.Zero(t, rows(t, db, "kahu_rings_locks"))
	})
}

func TestRunInParallel(t *testing.T) {
	everywhere(t, func(t *testing.T, open func() *bun.DB) {
		pools := make([]*bun.DB, 10)
		for i := range pools {
			pools[i] = open()
		}
		runInAll(t, pools, first) // an empty database: all of them make the same tables
		runInAll(t, pools, second)
		assert.Equal(t, []string{"narya?", "nenya"}, rings(t, pools[0]))
		assert.Equal(t, 2, rows(t, pools[0], "kahu_rings_migrations"))
	})
}

func runInAll(t *testing.T, pools []*bun.DB, files fstest.MapFS) {
	t.Helper()
	errs := make([]error, len(pools))
	var all sync.WaitGroup
	for i, db := range pools {
		all.Go(func() { errs[i] = migrations.Run(t.Context(), db, "rings", files) })
	}
	all.Wait()
	for _, err := range errs {
		assert.NoError(t, err)
	}
}

func TestRunNeedsOneConnectionOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, open func() *bun.DB) {
		db := open()
		db.SetMaxOpenConns(1)
		require.NoError(t, migrations.Run(t.Context(), db, "rings", second))
		assert.Equal(t, []string{"narya?", "nenya"}, rings(t, db))
	})
}

func TestRunLeavesNothingOfAFailure(t *testing.T) {
	everywhere(t, func(t *testing.T, open func() *bun.DB) {
		db := open()
		err := migrations.Run(t.Context(), db, "rings", broken)
		require.ErrorContains(t, err, "migrations: rings: 0002: up: ")
		require.NoError(t, migrations.Run(t.Context(), db, "rings", second), "the corrected release")
		assert.Equal(t, []string{"narya?", "nenya"}, rings(t, db))
	})
}

func TestRunThatIsCancelledLeavesNothingLocked(t *testing.T) {
	endless := steps(map[string]string{"0001_rings.up.sql": "CREATE TABLE rings (name TEXT)", "0002_endless.up.sql": forever})
	everywhere(t, func(t *testing.T, open func() *bun.DB) {
		db, other, watcher := open(), open(), open()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- migrations.Run(ctx, db, "rings", endless) }()
		waitUntilLocked(t, watcher, done)
		cancel()
		require.Error(t, <-done)
		require.NoError(t, migrations.Run(t.Context(), other, "rings", second))
		require.NoError(t, migrations.Run(t.Context(), db, "rings", second), "the same pool")
		assert.Equal(t, []string{"narya?", "nenya"}, rings(t, db))
	})
}

// forever is a statement that both databases work at until they are stopped.
const forever = "INSERT INTO rings WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 'x' FROM n WHERE x < 0"

// waitUntilLocked returns when a run holds the lock, seen from a pool of its own, or when the run is over.
func waitUntilLocked(t *testing.T, watcher *bun.DB, done chan error) {
	for len(done) == 0 && !locked(t, watcher) {
		runtime.Gosched()
	}
}

func locked(t *testing.T, watcher *bun.DB) bool {
	if watcher.Dialect().Name() == dialect.PG {
		n, err := watcher.NewSelect().Table("pg_locks").Where("locktype = 'advisory' AND granted").Count(t.Context())
		return assert.NoError(t, err) && n > 0
	}
	_, err := watcher.Exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK")
	return err != nil
}

// The statement that the killed process leaves behind on Postgres runs to its end there, so it is a short one.
func TestRunThatIsKilledLeavesNothingLocked(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		killInTheMiddle(t, sqlite, filepath.Join(t.TempDir(), "app.db"), forever)
	})
	t.Run("postgres", func(t *testing.T) {
		killInTheMiddle(t, postgres, pgtest.URL(t), "SELECT pg_sleep(0.3)")
	})
}

func killInTheMiddle(t *testing.T, open func(*testing.T, string) *bun.DB, address, statement string) {
	t.Helper()
	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), "KAHU_VICTIM="+address, "KAHU_STATEMENT="+statement)
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	_, err = out.Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait() // it was killed, and says so

	db := open(t, address)
	require.NoError(t, migrations.Run(t.Context(), db, "rings", second))
	assert.Equal(t, []string{"narya?", "nenya"}, rings(t, db))
}

// TestVictim is the process that the test above kills as soon as it says that it holds the lock. Run by itself it has
// nothing to do.
func TestVictim(t *testing.T) {
	address := os.Getenv("KAHU_VICTIM")
	if address == "" {
		return
	}
	open := sqlite
	if strings.HasPrefix(address, "postgres") {
		open = postgres
	}
	db, watcher := open(t, address), open(t, address)
	done := make(chan error, 1)
	go func() {
		waitUntilLocked(t, watcher, done)
		_, _ = os.Stdout.WriteString("x")
	}()
	done <- migrations.Run(t.Context(), db, "rings", steps(map[string]string{
		"0001_rings.up.sql": "CREATE TABLE rings (name TEXT)", "0002_slow.up.sql": os.Getenv("KAHU_STATEMENT")}))
}

func TestRunStopsAtWrongUse(t *testing.T) {
	db := sqlite(t, filepath.Join(t.TempDir(), "app.db"))
	for _, name := range []string{"", "Rings", "a b", "x;drop", "1", strings.Repeat("a", 48)} {
		assert.Panics(t, func() { _ = migrations.Run(t.Context(), db, name, first) }, "%q", name)
	}
	for why, files := range map[string]fstest.MapFS{
		"want a name such as": steps(map[string]string{"rings.sql": ""}),
		"have one number":     steps(map[string]string{"0001_a.up.sql": "", "0001_b.up.sql": ""}),
		"file does not exist": {},
	} {
		assert.ErrorContains(t, migrations.Run(t.Context(), db, "rings", files), why)
	}
	unknown := bun.NewDB(db.DB, otherDialect{pgdialect.New()})
	assert.ErrorContains(t, migrations.Run(t.Context(), unknown, "rings", first), "use Postgres or SQLite")
}
