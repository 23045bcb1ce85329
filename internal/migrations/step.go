package migrations

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"time"

	"github.com/uptrace/bun/migrate"
)

var fileNames = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.up\.sql$`)

// read collects the folder's steps. Bun's own Discover is not used: its SQL steps take another connection than
// the one that holds the transaction.
func read(files fs.FS, folder string) (*migrate.Migrations, error) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	steps, seen := migrate.NewMigrations(), map[string]string{}
	for _, e := range entries {
		part := fileNames.FindStringSubmatch(e.Name())
		if part == nil {
			return nil, fmt.Errorf("migrations: %s/%s: want a name such as 0001_counts.up.sql", folder, e.Name())
		}
		if other, ok := seen[part[1]]; ok {
			return nil, fmt.Errorf("migrations: %s: %s and %s have one number", folder, other, e.Name())
		}
		seen[part[1]] = e.Name()
		text, err := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("migrations: %w", err)
		}
		steps.Add(step(part[1], part[2], string(text)))
	}
	return steps, nil
}

func step(number, comment, text string) migrate.Migration {
	return migrate.Migration{Name: number, Comment: comment,
		Up: func(ctx context.Context, m *migrate.Migrator, applied *migrate.Migration) error {
			// Bun leaves the time to the database if it is zero; ours are all the application's.
			applied.MigratedAt = time.Now().UTC().Truncate(time.Microsecond)
			_, err := m.DB().NewRaw(text).Exec(ctx)
			return err
		}}
}
