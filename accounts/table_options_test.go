package accounts_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func TestATableThatDoesNotFitPanics(t *testing.T) {
	db, _ := sqltrace.Open(t, ":memory:")
	type bare struct {
		ID   int64 `bun:",pk"`
		Name string
	}
	type numbered struct {
		ID    int64 `bun:",pk"`
		Email int
	}
	type odd struct {
		ID         int64 `bun:",pk"`
		Email      string
		VerifiedAt string
	}
	for want, build := range map[string]func(){
		"accounts: NewUsers needs a database":                                                  func() { accounts.NewUsers(nil, "") },
		`serializer: accounts_test.bare has no column "email" to look users up by`:             func() { accounts.NewTable[bare](db, accounts.TableOptions{}) },
		`accounts: NewTable: the column "verified_at" of accounts_test.odd is no time or bool`: func() { accounts.NewTable[odd](db, accounts.TableOptions{}) },
		`accounts: NewTable: accounts_test.hobbit has no column "email_verified_at"`: func() {
			o := hobbitOptions
			o.Verified = "email_verified_at"
			accounts.NewTable[hobbit](db, o)
		},
		`accounts: NewTable: the column "confirmed" has two meanings`: func() {
			o := hobbitOptions
			o.Disabled = "confirmed"
			accounts.NewTable[hobbit](db, o)
		},
		`accounts: NewTable: the column "mail" of accounts_test.hobbit is no time`: func() {
			o := hobbitOptions
			o.Updated = "mail"
			accounts.NewTable[hobbit](db, o)
		},
	} {
		assert.PanicsWithValue(t, want, build)
	}
	assert.Panics(t, func() { accounts.NewTable[numbered](db, accounts.TableOptions{}) })
	assert.Panics(t, func() { accounts.NewTable[hobbit](db, accounts.TableOptions{Email: "mail", Hash: "a b"}) })
	for _, name := range []string{"Users", "a b", `a"`, "a.b", strings.Repeat("a", 32)} {
		want := fmt.Sprintf("accounts: %q is no name for a table: use at most 31 lower-case letters, digits and underscores", name)
		assert.PanicsWithValue(t, want, func() { accounts.NewUsers(db, name) })
		assert.PanicsWithValue(t, want, func() { _ = accounts.Migrate(t.Context(), db, "users", name) })
	}
	type open struct {
		ID    int64 `bun:",pk"`
		Email string
	}
	assert.PanicsWithValue(t, "accounts: accounts_test.open has no column that says who is disabled", func() {
		_, _ = accounts.NewTable[open](db, accounts.TableOptions{}).Disable(t.Context(), open{})
	})
}
