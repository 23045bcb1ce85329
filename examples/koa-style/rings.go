package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
)

// A Ring is one of the rings of power.
type Ring struct {
	bun.BaseModel `bun:"table:rings"`

	ID   int64  `bun:",pk" json:"id"`
	Name string `bun:",notnull" json:"name"`
}

func seedRings(ctx context.Context, db *bun.DB) error {
	rings := []Ring{{ID: 1, Name: "The One Ring"}, {ID: 2, Name: "Narya"}, {ID: 3, Name: "Nenya"}, {ID: 4, Name: "Vilya"}}
	n, err := db.NewSelect().Model((*Ring)(nil)).Count(ctx)
	if err != nil || n > 0 {
		return err
	}
	_, err = db.NewInsert().Model(&rings).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

func allRings(ctx context.Context, db *bun.DB) ([]Ring, error) {
	rings := []Ring{}
	err := db.NewSelect().Model(&rings).Order("id").Scan(ctx)
	return rings, err
}

// listRings answers with all of them.
func listRings(db *bun.DB) app.Handler {
	return func(ctx *app.Context) error {
		rings, err := allRings(ctx.Context(), db)
		if err != nil {
			return err
		}
		ctx.Body = map[string][]Ring{"data": rings}
		return nil
	}
}

// mountDoom destroys a ring.
func mountDoom(db *bun.DB) app.Handler {
	return func(ctx *app.Context) error {
		id, err := strconv.ParseInt(ctx.Param("id"), 10, 64)
		if err != nil {
			return ctx.Throw(http.StatusNotFound, "No such ring")
		}
		result, err := db.NewDelete().Model((*Ring)(nil)).Where("id = ?", id).Exec(ctx.Context())
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		switch {
		case err != nil:
			return err
		case n == 0:
			return ctx.Throw(http.StatusNotFound, "No such ring")
		}
		ctx.Status = http.StatusNoContent
		return nil
	}
}
