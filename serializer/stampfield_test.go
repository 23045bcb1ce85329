package serializer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
)

// Stamps may be in any field that is no column.
func TestFieldsForStamps(t *testing.T) {
	type hidden struct {
		bun.BaseModel `bun:"table:users"`
		ID            int64  `bun:",pk"`
		Stamp         string `bun:"-" json:"-"`
	}
	type text string
	type named struct {
		bun.BaseModel `bun:"table:users"`
		ID            int64 `bun:",pk"`
		Stamp         text  `bun:"proof,scanonly"`
	}
	type Proof struct {
		Stamp string `bun:",scanonly"`
	}
	type embedded struct {
		bun.BaseModel `bun:"table:users"`
		Proof
		ID int64 `bun:",pk"`
	}
	type far struct {
		bun.BaseModel `bun:"table:users"`
		*Proof
		ID int64 `bun:",pk"`
	}
	type cut struct {
		bun.BaseModel `bun:"table:users"`
		ID            int64  `bun:",pk"`
		Stamp         string `bun:",scanonly"`
	}
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		shire(t, db)
		for name, stamp := range map[string]func() string{
			"a field that Bun does not know": func() string { return loadStamped[hidden](t, db, "Stamp").Stamp },
			"a type of the application's":    func() string { return string(loadStamped[named](t, db, "Stamp").Stamp) },
			"by the name of its column":      func() string { return string(loadStamped[named](t, db, "proof").Stamp) },
			"a field of an embedded struct":  func() string { return loadStamped[embedded](t, db, "Stamp").Stamp },
			"a field behind a pointer":       func() string { return loadStamped[far](t, db, "Stamp").Stamp },
		} {
			assert.Equal(t, stampOfHash, stamp(), name)
		}
		exec(t, db, `CREATE TABLE "People" (id bigint PRIMARY KEY, "Secret" text)`)
		exec(t, db, `INSERT INTO "People" VALUES (1, ?)`, hash)
		people := serializer.NewTable[cut](db, serializer.TableOptions{Name: "People", Hash: "Secret", Stamp: "Stamp"})
		u, err := people.ByID(t.Context(), "1")
		require.NoError(t, err)
		assert.Equal(t, stampOfHash, u.Stamp)
		for name, load := range joined(t, db, people) {
			u, err := load("1")
			require.NoError(t, err, name)
			assert.Equal(t, stampOfHash, u.(*cut).Stamp, name)
		}
	})
}

func loadStamped[U any](t *testing.T, db *bun.DB, field string) *U {
	t.Helper()
	u, err := serializer.NewTable[U](db, serializer.TableOptions{Stamp: field}).ByID(t.Context(), "1")
	require.NoError(t, err)
	return u
}

func TestNewTablePanicsForAStampThatCannotBe(t *testing.T) {
	type odd struct {
		ID           int64   `bun:",pk"`
		Email        string  `bun:",unique"`
		Number       int64   `bun:",scanonly"`
		Pointer      *string `bun:"-"`
		Bytes        []byte  `bun:"-"`
		PasswordHash string  `bun:",scanonly"`
		Nick         string
		secret       string
	}
	_ = odd{}.secret
	db, _ := sqltrace.Open(t, "file::memory:")
	for stamp, want := range map[string]string{
		"Stamp":         `has no field "Stamp" for a stamp: add a string with the tag bun:",scanonly"`,
		"secret":        `has no field "secret" for a stamp`,
		"Number":        `the field "Number" of serializer_test.odd cannot hold a stamp: it is no string`,
		"Pointer":       `it is no string`,
		"Bytes":         `it is no string`,
		"ID":            `it is no string`,
		"PasswordHash":  `the field "PasswordHash" of serializer_test.odd is the password hash: a stamp needs one of its own`,
		"password_hash": `is the password hash`,
		"Email":         `the field "Email" of serializer_test.odd is a column, a stamp is in no table: tag it bun:",scanonly"`,
		"email":         `is a column`,
		"Nick":          `is a column`,
	} {
		assert.Contains(t, panicOf(t, func() { serializer.NewTable[odd](db, serializer.TableOptions{Stamp: stamp}) }), want, stamp)
	}
	key := func() { serializer.NewTable[byText](db, serializer.TableOptions{Stamp: "ID"}) }
	assert.Contains(t, panicOf(t, key), "is a column", "and the key")
}
