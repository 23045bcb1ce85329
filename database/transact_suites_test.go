package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	sessionsuite "github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/tokenstores"
	tokensuite "github.com/kahu-go/kahu/tokenstores/storetest"
)

// onMemoryAndPostgres runs the suites where a statement outside of the transaction waits for ever, and where rows are locked.
func onMemoryAndPostgres(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	t.Run("memory", func(t *testing.T) { test(t, storesOf(t, ":memory:")) })
	t.Run("postgres", func(t *testing.T) { test(t, storesOf(t, pgtest.URL(t))) })
}

// person is a user of the stores' owners.
type person struct {
	ID           string `bun:",pk"`
	Name         string
	PasswordHash string
}

// storesOf has the tables of all stores, and the user 7.
func storesOf(t *testing.T, address string) *bun.DB {
	t.Helper()
	db := open(t, address)
	require.NoError(t, sessionstores.Migrate(t.Context(), db))
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	_, err := db.NewCreateTable().Model((*person)(nil)).Exec(t.Context())
	require.NoError(t, err)
	_, err = db.NewInsert().Model(&person{ID: "7", Name: "Frodo", PasswordHash: "old"}).Exec(t.Context())
	require.NoError(t, err)
	return db
}

func people(db *bun.DB) *serializer.Table[person] {
	return serializer.NewTable[person](db, serializer.TableOptions{})
}

func TestSessionsPassTheSuiteWithEachCallInATransaction(t *testing.T) {
	onMemoryAndPostgres(t, func(t *testing.T, db *bun.DB) {
		sessionsuite.Run(t, func(t *testing.T) app.SessionStore {
			exec(t, db, "DELETE FROM sessions")
			return sessionsIn{sessionstores.NewBun(db), db}
		})
		nothingIsLeft(t, db)
	})
}

func TestTokensPassTheSuiteWithEachCallInATransaction(t *testing.T) {
	onMemoryAndPostgres(t, func(t *testing.T, db *bun.DB) {
		tokensuite.Run(t, func(t *testing.T) tokenstores.Store {
			exec(t, db, "DELETE FROM tokens")
			return tokensIn{tokenstores.NewBun(db), db}
		})
		nothingIsLeft(t, db)
	})
}

func TestDenylistsPassTheSuiteWithEachCallInATransaction(t *testing.T) {
	onMemoryAndPostgres(t, func(t *testing.T, db *bun.DB) {
		tokensuite.RunDenylist(t, func(t *testing.T) tokenstores.Denylist {
			exec(t, db, "DELETE FROM denials")
			return denialsIn{tokenstores.NewBunDenylist(db), db}
		})
		nothingIsLeft(t, db)
	})
}

// returned is a call with a result, in a transaction of its own.
func returned[R any](ctx context.Context, db *bun.DB, call func(context.Context) (R, error)) (result R, err error) {
	err = database.Transact(ctx, db, func(ctx context.Context) (err error) {
		result, err = call(ctx)
		return err
	})
	return result, err
}

// sessionsIn makes each call in a transaction of its own.
type sessionsIn struct {
	store *sessionstores.Bun
	db    *bun.DB
}

var (
	_ app.SessionStore  = sessionsIn{}
	_ app.SessionLister = sessionsIn{}
	_ app.SessionPruner = sessionsIn{}
)

func (s sessionsIn) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	return returned(ctx, s.db, func(ctx context.Context) (*app.SessionRecord, error) { return s.store.Find(ctx, key) })
}

func (s sessionsIn) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Insert(ctx, key, old, r) })
}

func (s sessionsIn) Update(ctx context.Context, key string, r *app.SessionRecord) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Update(ctx, key, r) })
}

func (s sessionsIn) Touch(ctx context.Context, key string, seen, idleUntil time.Time) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Touch(ctx, key, seen, idleUntil) })
}

func (s sessionsIn) Delete(ctx context.Context, key string) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Delete(ctx, key) })
}

func (s sessionsIn) ListSessions(ctx context.Context, kind, subject string) ([]app.StoredSession, error) {
	return returned(ctx, s.db, func(ctx context.Context) ([]app.StoredSession, error) {
		return s.store.ListSessions(ctx, kind, subject)
	})
}

func (s sessionsIn) DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error) {
	return returned(ctx, s.db, func(ctx context.Context) (int, error) { return s.store.DeleteSessions(ctx, kind, subject, keep) })
}

func (s sessionsIn) PruneSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	return returned(ctx, s.db, func(ctx context.Context) (int, error) { return s.store.PruneSessions(ctx, now, limit) })
}

// tokensIn makes each call in a transaction of its own.
type tokensIn struct {
	store *tokenstores.Bun
	db    *bun.DB
}

var _ tokenstores.Store = tokensIn{}

func (s tokensIn) Find(ctx context.Context, typ, id string) (*tokenstores.Token, error) {
	return returned(ctx, s.db, func(ctx context.Context) (*tokenstores.Token, error) { return s.store.Find(ctx, typ, id) })
}

func (s tokensIn) Insert(ctx context.Context, token *tokenstores.Token) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Insert(ctx, token) })
}

func (s tokensIn) Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Touch(ctx, typ, id, hash, used, address) })
}

func (s tokensIn) Renew(ctx context.Context, typ, id, hash string, r tokenstores.Renewal) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Renew(ctx, typ, id, hash, r) })
}

func (s tokensIn) Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *tokenstores.Token) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.store.Rotate(ctx, typ, id, hash, until, next) })
}

func (s tokensIn) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	return returned(ctx, s.db, func(ctx context.Context) (bool, error) { return s.store.Delete(ctx, typ, id, subject) })
}

func (s tokensIn) List(ctx context.Context, typ, subject string) ([]tokenstores.Token, error) {
	return returned(ctx, s.db, func(ctx context.Context) ([]tokenstores.Token, error) { return s.store.List(ctx, typ, subject) })
}

func (s tokensIn) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	return returned(ctx, s.db, func(ctx context.Context) (int, error) { return s.store.DeleteAll(ctx, typ, subject, keep) })
}

func (s tokensIn) DeleteType(ctx context.Context, typ string) (int, error) {
	return returned(ctx, s.db, func(ctx context.Context) (int, error) { return s.store.DeleteType(ctx, typ) })
}

func (s tokensIn) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return returned(ctx, s.db, func(ctx context.Context) (int, error) { return s.store.Prune(ctx, now, limit) })
}

// denialsIn makes each call in a transaction of its own.
type denialsIn struct {
	list *tokenstores.BunDenylist
	db   *bun.DB
}

var _ tokenstores.Denylist = denialsIn{}

func (s denialsIn) Find(ctx context.Context, subject string, keys ...string) (*tokenstores.Denials, error) {
	return returned(ctx, s.db, func(ctx context.Context) (*tokenstores.Denials, error) { return s.list.Find(ctx, subject, keys...) })
}

func (s denialsIn) Deny(ctx context.Context, d ...tokenstores.Denial) error {
	return database.Transact(ctx, s.db, func(ctx context.Context) error { return s.list.Deny(ctx, d...) })
}

func (s denialsIn) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return returned(ctx, s.db, func(ctx context.Context) (int, error) { return s.list.Prune(ctx, now, limit) })
}
