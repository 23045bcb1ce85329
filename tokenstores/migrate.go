package tokenstores

import (
	"bytes"
	"context"
	"embed"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/migrations"
)

//go:embed migrations
var files embed.FS

// Migrate makes the table tokens or brings it up to date, on Postgres and SQLite.
// Calling it again, or from many processes at once, is harmless. For another table see
// [Bun.Migrate].
func Migrate(ctx context.Context, db *bun.DB) error { return NewBun(db).Migrate(ctx) }

// Migrate makes the store's table, as [Migrate] makes the table tokens.
func (b *Bun) Migrate(ctx context.Context) error {
	steps := "tokenstores"
	if b.table != defaultTable {
		steps += "_" + b.table
	}
	return migrations.Run(ctx, b.db, steps, renamed{files, b.table})
}

// renamed shows the files with the table's name in them.
type renamed struct {
	embed.FS
	table string
}

func (r renamed) ReadFile(name string) ([]byte, error) {
	text, err := r.FS.ReadFile(name)
	return bytes.ReplaceAll(text, []byte("{table}"), []byte(r.table)), err
}
