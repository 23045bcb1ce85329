package tokenstores

import (
	"bytes"
	"context"
	"embed"
	"io/fs"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/migrations"
)

var (
	//go:embed migrations
	tokenSteps embed.FS

	//go:embed denials
	denialSteps embed.FS
)

// Migrate makes the tables tokens and denials or brings them up to date, on Postgres and
// SQLite. Calling it again, or from many processes at once, is harmless. For other tables
// see [Bun.Migrate] and [BunDenylist.Migrate].
func Migrate(ctx context.Context, db *bun.DB) error {
	if err := NewBun(db).Migrate(ctx); err != nil {
		return err
	}
	return NewBunDenylist(db).Migrate(ctx)
}

// Migrate makes the store's table, as [Migrate] makes the table tokens.
func (b *Bun) Migrate(ctx context.Context) error {
	return migrate(ctx, b.db, "tokenstores", tokenSteps, b.table, defaultTable)
}

// Migrate makes the list's table, as [Migrate] makes the table denials.
func (b *BunDenylist) Migrate(ctx context.Context) error {
	steps, err := fs.Sub(denialSteps, "denials")
	if err != nil {
		return err
	}
	return migrate(ctx, b.db, "denylist", steps, b.table, defaultDenials)
}

func migrate(ctx context.Context, db *bun.DB, steps string, files fs.FS, table, usual string) error {
	if table != usual {
		steps += "_" + table
	}
	return migrations.Run(ctx, db, steps, renamed{files, table})
}

// renamed shows the files with the table's name in them.
type renamed struct {
	fs.FS
	table string
}

func (r renamed) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(r.FS, name) }

func (r renamed) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(r.FS, name)
	return bytes.ReplaceAll(text, []byte("{table}"), []byte(r.table)), err
}
