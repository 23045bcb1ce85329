package migrations_test

import (
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// otherDialect says that it is MySQL.
type otherDialect struct{ *pgdialect.Dialect }

func (otherDialect) Name() dialect.Name { return dialect.MySQL }
