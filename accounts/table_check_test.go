package accounts_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

const noIndex = "accounts: the table legacy needs a unique index on email, or two sign-ups at once make two accounts"

func TestCheckWantsAUniqueIndexOnTheAddress(t *testing.T) {
	lower := accounts.TableOptions{CaseInsensitive: true}
	const noLowerIndex = "accounts: the table legacy needs a unique index on lower(email), or two sign-ups at once make two accounts"
	for name, c := range map[string]struct {
		index string
		o     accounts.TableOptions
		want  string
	}{
		"none":                                  {"SELECT 1", accounts.TableOptions{}, noIndex},
		"one that is not unique":                {"CREATE INDEX i ON legacy (email)", accounts.TableOptions{}, noIndex},
		"a unique one":                          {"CREATE UNIQUE INDEX i ON legacy (email)", accounts.TableOptions{}, ""},
		"one that is partial":                   {"CREATE UNIQUE INDEX i ON legacy (email) WHERE id > 7", accounts.TableOptions{}, noIndex},
		"one of two columns":                    {"CREATE UNIQUE INDEX i ON legacy (id, email)", accounts.TableOptions{}, noIndex},
		"one of another column":                 {"CREATE UNIQUE INDEX i ON legacy (password_hash)", accounts.TableOptions{}, noIndex},
		"one of another expression":             {"CREATE UNIQUE INDEX i ON legacy (upper(email))", accounts.TableOptions{}, noIndex},
		"lower, where case counts":              {"CREATE UNIQUE INDEX i ON legacy (lower(email))", accounts.TableOptions{}, ""},
		"lower, where it does not":              {"CREATE UNIQUE INDEX i ON legacy (lower(email))", lower, ""},
		"the column alone, where it does not":   {"CREATE UNIQUE INDEX i ON legacy (email)", lower, noLowerIndex},
		"lower of another column":               {"CREATE UNIQUE INDEX i ON legacy (lower(password_hash))", lower, noLowerIndex},
		"a part of lower":                       {"CREATE UNIQUE INDEX i ON legacy (substr(lower(email), 1, 3))", lower, noLowerIndex},
		"quoted and spaced":                     {`CREATE UNIQUE INDEX i ON legacy ( lower( "email" ) )`, lower, ""},
		"of two columns, where there is a rule": {"CREATE UNIQUE INDEX i ON legacy (id, email)", accounts.TableOptions{Where: tenantOptions.Where}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
				create[legacy](t, db, c.index)
				execute(t, db, "ALTER TABLE legacy ADD COLUMN tenant text")
				table := accounts.NewTable[legacy](db, c.o)
				_, createErr := table.Create(of(t.Context(), "shire"), accounts.NewAccount{Email: "frodo@shire.example", Hash: "h"})
				for _, err := range []error{table.Check(t.Context()), createErr} {
					if c.want == "" {
						require.NoError(t, err)
					} else {
						require.EqualError(t, err, c.want)
					}
				}
			})
		})
	}
}

func TestCheckOnPostgresAlone(t *testing.T) {
	db, _ := sqltrace.Open(t, addresses["Postgres"](t))
	create[legacy](t, db, "ALTER TABLE legacy ADD UNIQUE (email) DEFERRABLE")
	table := accounts.NewTable[legacy](db, accounts.TableOptions{})
	require.EqualError(t, table.Check(t.Context()), "accounts: the unique constraint legacy_email_key of the table legacy is deferrable, and sign-ups cannot heed such")
	execute(t, db, "ALTER TABLE legacy DROP CONSTRAINT legacy_email_key")
	execute(t, db, "ALTER TABLE legacy ALTER COLUMN email TYPE varchar(80)")
	execute(t, db, lowerIndex)
	require.NoError(t, accounts.NewTable[legacy](db, accounts.TableOptions{CaseInsensitive: true}).Check(t.Context()))

	execute(t, db, "CREATE SCHEMA shire")
	execute(t, db, "ALTER TABLE legacy SET SCHEMA shire")
	moved := accounts.NewTable[legacy](db, accounts.TableOptions{Name: "shire.legacy", CaseInsensitive: true})
	require.NoError(t, moved.Check(t.Context()))
	user := signUp(t, moved, "frodo@shire.example")
	_, err := moved.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: "h"})
	require.ErrorIs(t, err, accounts.ErrEmailTaken)
	require.NoError(t, moved.Delete(t.Context(), user))
}

func TestCheckMissesTablesAndColumns(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		table := accounts.NewTable[legacy](db, accounts.TableOptions{Hash: "encrypted"})
		require.Error(t, table.Check(t.Context()))
		create[legacy](t, db, "CREATE UNIQUE INDEX i ON legacy (email)")
		require.ErrorContains(t, table.Check(t.Context()), "encrypted")
		execute(t, db, "ALTER TABLE legacy RENAME COLUMN password_hash TO encrypted")
		require.NoError(t, table.Check(t.Context()))
	})
}

// On SQLite a key is given again after its row was deleted, unless the table says otherwise.
func TestCheckWantsKeysThatAreGivenOnce(t *testing.T) {
	db, _ := sqltrace.Open(t, addresses["SQLite"](t))
	execute(t, db, "CREATE TABLE legacy (id INTEGER PRIMARY KEY, email text UNIQUE, password_hash text)")
	table := accounts.NewTable[legacy](db, accounts.TableOptions{})
	user := signUp(t, table, "frodo@shire.example")
	require.NoError(t, table.Delete(t.Context(), user))
	assert.Equal(t, user.(*legacy).ID, signUp(t, table, "gollum@moria.example").(*legacy).ID, "so it is")
	require.EqualError(t, table.Check(t.Context()), "accounts: the key of the table legacy needs AUTOINCREMENT, or a new account gets the key of one that was deleted")
	require.Equal(t, dialect.SQLite, db.Dialect().Name())
}
