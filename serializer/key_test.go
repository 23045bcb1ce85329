package serializer_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
)

type byUUID struct {
	ID   uuid.UUID `bun:",pk,type:uuid"`
	Name string
}

type byTextUUID struct {
	ID   string `bun:",pk,type:uuid"`
	Name string
}

type byText struct {
	ID   string `bun:",pk"`
	Name string
}

type byUnsigned struct {
	ID   uint32 `bun:",pk"`
	Name string
}

func TestKeys(t *testing.T) {
	const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	notUUIDs := []string{"", "6ba7b8109dad11d180b400c04fd430c8", "{" + id + "}", "urn:uuid:" + id, id + "\x00", id + "0", "1", "'", "00000000-0000-0000-0000-00000000000g"}
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		testKey(t, db, trace, &byUUID{uuid.MustParse(id), "frodo"}, id, notUUIDs)
		testKey(t, db, trace, &byTextUUID{id, "frodo"}, id, notUUIDs)
		testKey(t, db, trace, &byText{`it's "fr\o'do?`, "frodo"}, `it's "fr\o'do?`, []string{"", "\x00", "\xff", strings.Repeat("a", 257)})
		testKey(t, db, trace, &byUnsigned{2147483647, "frodo"}, "2147483647", notIntegers)
	})
}

func testKey[U any](t *testing.T, db *bun.DB, trace *sqltrace.Trace, want *U, subject string, impossible []string) {
	t.Run(fmt.Sprintf("%T", want), func(t *testing.T) {
		create(t, db, want)
		users := serializer.NewTable[U](db, serializer.TableOptions{})
		got, err := users.Serialize(t.Context(), want)
		require.NoError(t, err)
		assert.Equal(t, subject, got)
		back, err := users.Deserialize(t.Context(), subject)
		require.NoError(t, err)
		assert.Equal(t, want, back)
		trace.Reset()
		for _, text := range impossible {
			_, err := users.Deserialize(t.Context(), text)
			require.ErrorIs(t, err, sql.ErrNoRows, "%q", text)
		}
		assert.Empty(t, trace.Calls(), "nothing was asked for")
	})
}

func TestSerializeRefusesKeysThatCannotBeFoundAgain(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		for _, id := range []string{"", "\x00", "a\xff", "a\nb", strings.Repeat("a", 257)} {
			_, err := serializer.NewTable[byText](db, serializer.TableOptions{}).Serialize(t.Context(), &byText{ID: id})
			require.Error(t, err, "%q", id)
		}
		_, err := serializer.NewTable[byTextUUID](db, serializer.TableOptions{}).Serialize(t.Context(), &byTextUUID{ID: "frodo"})
		require.Error(t, err)
	})
}

type deletable struct {
	ID      int64 `bun:",pk"`
	Name    string
	Deleted time.Time `bun:",soft_delete,nullzero"`
}

func TestSoftDeletedUsersAreGone(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create(t, db, &deletable{ID: 1, Name: "boromir"})
		users := serializer.NewTable[deletable](db, serializer.TableOptions{})
		_, err := users.ByID(t.Context(), "1")
		require.NoError(t, err)
		_, err = db.NewDelete().Model(&deletable{ID: 1}).WherePK().Exec(t.Context())
		require.NoError(t, err)
		_, err = users.ByID(t.Context(), "1")
		require.ErrorIs(t, err, sql.ErrNoRows)
		_, err = users.ByName(t.Context(), "boromir")
		require.ErrorIs(t, err, sql.ErrNoRows)
		table, _, _ := users.JoinColumns()
		assert.Empty(t, table, "a plain join would find the user")
	})
}

type tenant struct {
	ID     int64 `bun:",pk"`
	Name   string
	Loaded bool `bun:"-"`
}

func (*tenant) BeforeSelect(_ context.Context, q *bun.SelectQuery) error {
	q.Where("id < 10")
	return nil
}

func (u *tenant) AfterScanRow(context.Context) error {
	u.Loaded = true
	return nil
}

func TestHooksOfTheModelHold(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create(t, db, &tenant{ID: 1, Name: "frodo"}, &tenant{ID: 10, Name: "sauron"})
		users := serializer.NewTable[tenant](db, serializer.TableOptions{})
		got, err := users.ByID(t.Context(), "1")
		require.NoError(t, err)
		assert.True(t, got.Loaded)
		_, err = users.ByID(t.Context(), "10")
		require.ErrorIs(t, err, sql.ErrNoRows)
		table, _, _ := users.JoinColumns()
		assert.Empty(t, table)
	})
}

func TestNewTablePanics(t *testing.T) {
	type keyless struct{ Name string }
	type twoKeys struct {
		A int64 `bun:",pk"`
		B int64 `bun:",pk"`
	}
	type oddKey struct {
		ID time.Time `bun:",pk"`
	}
	type pointerKey struct {
		ID *int64 `bun:",pk"`
	}
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		for name, call := range map[string]func(){
			"needs a database":                      func() { serializer.NewTable[user](nil, serializer.TableOptions{}) },
			"is no struct":                          func() { serializer.NewTable[*user](db, serializer.TableOptions{}) },
			"has 0 primary keys":                    func() { serializer.NewTable[keyless](db, serializer.TableOptions{}) },
			"has 2 primary keys":                    func() { serializer.NewTable[twoKeys](db, serializer.TableOptions{}) },
			"is a time.Time":                        func() { serializer.NewTable[oddKey](db, serializer.TableOptions{}) },
			"is a *int64":                           func() { serializer.NewTable[pointerKey](db, serializer.TableOptions{}) },
			"no name of a table":                    func() { serializer.NewTable[user](db, serializer.TableOptions{Name: "users; --"}) },
			"no name of a column":                   func() { serializer.NewTable[user](db, serializer.TableOptions{Hash: `a"b`}) },
			`no column "nick"`:                      func() { serializer.NewTable[user](db, serializer.TableOptions{LookUp: []string{"nick"}}) },
			`by the column "active"`:                func() { serializer.NewTable[user](db, serializer.TableOptions{LookUp: []string{"active"}}) },
			`by the column "password_hash" of seri`: func() { serializer.NewTable[user](db, serializer.TableOptions{LookUp: []string{"password_hash"}}) },
		} {
			assert.Contains(t, panicOf(t, call), name)
		}
	})
}

func panicOf(t *testing.T, call func()) (text string) {
	t.Helper()
	defer func() { text = fmt.Sprint(recover()) }()
	call()
	return ""
}
