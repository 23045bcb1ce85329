package serializer_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
)

type tenantUser struct {
	bun.BaseModel `bun:"table:tenant_users"`

	ID           int64 `bun:",pk"`
	Tenant       string
	Email        string
	Removed      bool
	PasswordHash string
}

type tenantKey struct{}

func of(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// Users of another tenant, and those who were removed, are gone for every look-up.
func TestAnORInWhereWidensNothing(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create(t, db,
			&tenantUser{ID: 1, Tenant: "shire", Email: "frodo@shire.example"},
			&tenantUser{ID: 2, Tenant: "gondor", Email: "pippin@gondor.example"},
			&tenantUser{ID: 3, Tenant: "mordor", Email: "sauron@mordor.example"})
		users := serializer.NewTable[tenantUser](db, serializer.TableOptions{Where: func(_ context.Context, q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("?TableAlias.tenant = 'shire'").WhereOr("?TableAlias.tenant = 'gondor'")
		}})
		u, err := users.ByName(t.Context(), "frodo@shire.example")
		require.NoError(t, err)
		assert.EqualValues(t, 1, u.ID, "and nobody else of the places")
		_, err = users.ByName(t.Context(), "sauron@mordor.example")
		assert.ErrorIs(t, err, sql.ErrNoRows)
	})
}

func TestWhereNarrowsEveryLookUp(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		create(t, db,
			&tenantUser{ID: 1, Tenant: "shire", Email: "frodo@shire.example", PasswordHash: "h1"},
			&tenantUser{ID: 2, Tenant: "gondor", Email: "frodo@shire.example", PasswordHash: "h2"},
			&tenantUser{ID: 3, Tenant: "shire", Email: "lobelia@shire.example", Removed: true})
		users := serializer.NewTable[tenantUser](db, serializer.TableOptions{Where: func(ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery {
			tenant, _ := ctx.Value(tenantKey{}).(string)
			return q.Where("?TableAlias.tenant = ?", tenant).Where("NOT ?TableAlias.removed")
		}})
		shire, gondor, nowhere := of(t.Context(), "shire"), of(t.Context(), "gondor"), t.Context()

		trace.Reset()
		u, hash, err := users.ByNameWithHash(shire, "frodo@shire.example")
		require.NoError(t, err)
		assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
		assert.Equal(t, int64(1), u.ID)
		assert.Equal(t, "h1", hash)
		u, hash, err = users.ByNameWithHash(gondor, "frodo@shire.example")
		require.NoError(t, err)
		assert.Equal(t, int64(2), u.ID)
		assert.Equal(t, "h2", hash)

		for name, look := range map[string]func() (any, error){
			"a name without a tenant":    func() (any, error) { return users.ByName(nowhere, "frodo@shire.example") },
			"a removed user's name":      func() (any, error) { return users.ByName(shire, "lobelia@shire.example") },
			"a subject of another place": func() (any, error) { return users.Deserialize(gondor, "1") },
			"a removed user's subject":   func() (any, error) { return users.Deserialize(shire, "3") },
			"an id of another place":     func() (any, error) { return users.ByID(gondor, "1") },
		} {
			_, err := look()
			assert.ErrorIs(t, err, sql.ErrNoRows, name)
		}
		table, _, _ := users.JoinColumns()
		assert.Empty(t, table, "a plain join would not know of it")
	})
}
