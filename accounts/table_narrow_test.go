package accounts_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/accounts/storetest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

// A legacy account is of an application that kept addresses as people wrote them, and
// neither confirmed nor disabled anybody.
type legacy struct {
	bun.BaseModel `bun:"table:legacy"`

	ID    int64 `bun:",pk,autoincrement"`
	Email string
}

const lowerIndex = "CREATE UNIQUE INDEX legacy_lower ON legacy (lower(email))"

func TestATableThatIgnoresCaseIsAStore(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create[legacy](t, db, lowerIndex)
		storetest.Run(t, func(t *testing.T) accounts.Store {
			execute(t, db, "DELETE FROM legacy")
			return accounts.NewTable[legacy](db, accounts.TableOptions{CaseInsensitive: true})
		})
	})
}

// In api_guard, who signed up as User@X.com could not sign in.
func TestAddressesThatWereStoredAsWritten(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create[legacy](t, db, lowerIndex)
		execute(t, db, "INSERT INTO legacy (email, password_hash) VALUES ('User@X.com', 'old')")
		exact := accounts.NewTable[legacy](db, accounts.TableOptions{})
		either := accounts.NewTable[legacy](db, accounts.TableOptions{CaseInsensitive: true})

		t.Run("are found without regard to case", func(t *testing.T) {
			user, hash, err := either.ByEmail(t.Context(), "user@x.com")
			require.NoError(t, err)
			assert.Equal(t, "old", hash)
			assert.Equal(t, "User@X.com", either.Status(user).Email)
			done, err := either.Verify(t.Context(), user, "user@x.com")
			require.NoError(t, err)
			assert.True(t, done)
		})
		t.Run("are nobody's where case counts", func(t *testing.T) {
			_, _, err := exact.ByEmail(t.Context(), "user@x.com")
			require.ErrorIs(t, err, sql.ErrNoRows)
		})
		t.Run("are taken, for both", func(t *testing.T) {
			for _, table := range []*accounts.Table[legacy]{exact, either} {
				_, err := table.Create(t.Context(), accounts.NewAccount{Email: "user@x.com", Hash: "h"})
				require.ErrorIs(t, err, accounts.ErrEmailTaken)
				sam := signUp(t, table, "sam@x.com")
				_, err = table.ReplaceEmail(t.Context(), sam, "sam@x.com", "user@x.com")
				require.ErrorIs(t, err, accounts.ErrEmailTaken)
				require.NoError(t, table.Delete(t.Context(), sam))
			}
		})
		t.Run("become canonical when they are replaced", func(t *testing.T) {
			user, _, err := either.ByEmail(t.Context(), "user@x.com")
			require.NoError(t, err)
			done, err := either.ReplaceEmail(t.Context(), user, "user@x.com", "user@x.com")
			require.NoError(t, err)
			assert.True(t, done)
			_, _, err = exact.ByEmail(t.Context(), "user@x.com")
			require.NoError(t, err)
		})
	})
}

type tenantKey struct{}

func of(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

type tenantUser struct {
	bun.BaseModel `bun:"table:tenant_users"`

	ID     int64 `bun:",pk,autoincrement"`
	Tenant string
	Email  string
}

func (u *tenantUser) BeforeAppendModel(ctx context.Context, q bun.Query) error {
	if _, ok := q.(*bun.InsertQuery); ok {
		u.Tenant, _ = ctx.Value(tenantKey{}).(string)
	}
	return nil
}

var tenantOptions = accounts.TableOptions{Where: func(ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	return q.Where("1 = 0").WhereOr("?TableAlias.tenant = ?", tenant) // an OR widens nothing
}}

func TestWhereNarrowsEveryMethod(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create[tenantUser](t, db, "CREATE UNIQUE INDEX tenant_emails ON tenant_users (tenant, email)")
		table := accounts.NewTable[tenantUser](db, tenantOptions)
		require.NoError(t, table.Check(t.Context()))
		shire, gondor := of(t.Context(), "shire"), of(t.Context(), "gondor")
		n := accounts.NewAccount{Email: "frodo@shire.example", Hash: "one"}
		user, err := table.Create(shire, n)
		require.NoError(t, err)
		_, err = table.Create(shire, n)
		require.ErrorIs(t, err, accounts.ErrEmailTaken)
		n.Hash = "two"
		other, err := table.Create(gondor, n)
		require.NoError(t, err, "another tenant's")
		_, err = table.Create(gondor, accounts.NewAccount{Email: "faramir@gondor.example", Hash: "three"})
		require.NoError(t, err)

		_, hash, err := table.ByEmail(gondor, n.Email)
		require.NoError(t, err)
		assert.Equal(t, "two", hash)
		_, _, err = table.ByEmail(t.Context(), n.Email)
		require.ErrorIs(t, err, sql.ErrNoRows)
		_, err = table.Hash(gondor, user)
		require.ErrorIs(t, err, sql.ErrNoRows)
		for name, call := range map[string]func(ctx context.Context) (bool, error){
			"ReplaceHash":  func(ctx context.Context) (bool, error) { return table.ReplaceHash(ctx, user, "one", "one") },
			"ReplaceEmail": func(ctx context.Context) (bool, error) { return table.ReplaceEmail(ctx, user, n.Email, n.Email) },
			"Verify":       func(ctx context.Context) (bool, error) { return table.Verify(ctx, user, n.Email) },
		} {
			done, err := call(gondor)
			require.NoError(t, err, name)
			assert.False(t, done, name)
			done, err = call(shire)
			require.NoError(t, err, name)
			assert.True(t, done, name)
		}
		require.NoError(t, table.Delete(gondor, user))
		hash, err = table.Hash(shire, user)
		require.NoError(t, err)
		assert.Equal(t, "one", hash)
		require.NoError(t, table.Delete(shire, user))
		_, err = table.Hash(shire, user)
		require.ErrorIs(t, err, sql.ErrNoRows)
		_, err = table.Hash(gondor, other)
		require.NoError(t, err)
	})
}

type removable struct {
	bun.BaseModel `bun:"table:removables"`

	ID        int64     `bun:",pk,autoincrement"`
	Email     string    `bun:",unique"`
	DeletedAt time.Time `bun:",soft_delete,nullzero"`
}

// A soft-deleted account is gone for everybody, but keeps its address.
func TestSoftDeletes(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		create[removable](t, db)
		execute(t, db, "ALTER TABLE removables RENAME TO gone")
		for _, o := range []accounts.TableOptions{{Name: "gone"}, {}} {
			if o.Name == "" {
				execute(t, db, "ALTER TABLE gone RENAME TO removables")
			}
			table := accounts.NewTable[removable](db, o)
			require.NoError(t, table.Check(t.Context()))
			email := "frodo" + o.Name + "@shire.example"
			user := signUp(t, table, email)
			require.NoError(t, table.Delete(t.Context(), user))
			require.NoError(t, table.Delete(t.Context(), user))
			_, _, err := table.ByEmail(t.Context(), email)
			require.ErrorIs(t, err, sql.ErrNoRows)
			_, err = table.Hash(t.Context(), user)
			require.ErrorIs(t, err, sql.ErrNoRows)
			done, err := table.ReplaceHash(t.Context(), user, "hash of "+email, "x")
			require.NoError(t, err)
			assert.False(t, done)
			_, err = table.Create(t.Context(), accounts.NewAccount{Email: email, Hash: "h"})
			require.ErrorIs(t, err, accounts.ErrEmailTaken)
		}
	})
}
