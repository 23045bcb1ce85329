package sessionstores

import (
	"context"
	"embed"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/migrations"
)

//go:embed migrations
var files embed.FS

// Migrate makes the table sessions or brings it up to date, on Postgres and SQLite.
// Calling it again, or from many processes at once, is harmless.
func Migrate(ctx context.Context, db *bun.DB) error {
	return migrations.Run(ctx, db, "sessionstores", files)
}
