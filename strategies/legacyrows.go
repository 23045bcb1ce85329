package strategies

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// legacyRows are the rows of a table that another system made, in its own types: all
// columns are read as text.
type legacyRows struct {
	db      LegacyDatabase
	table   string // the names are quoted, "" for a column that there is none of
	columns legacyColumns
	kind    string        // the type that rows must have
	scopes  []string      // of every token, where there is no column
	life    time.Duration // beside the column, since it was made; 0: no limit
	zone    *time.Location
	clock   func() time.Time
}

type legacyColumns struct{ subject, proof, kind, name, scopes, expires, created string }

// newLegacyRows completes the rows of o.
func newLegacyRows(o legacyRows) legacyRows {
	if isNil(o.db) {
		panic("strategies: tokens of another system need a database")
	}
	if o.zone == nil {
		o.zone = time.UTC
	}
	if o.clock == nil {
		o.clock = time.Now
	}
	if err := (&TokenOptions{Scopes: o.scopes}).check(); err != nil {
		panic("strategies: tokens of another system: " + err.Error())
	}
	o.scopes = slices.Clone(o.scopes)
	return o
}

// find returns the token that a text claims to be, verified and live, or nil.
func (l *legacyRows) find(ctx context.Context, c legacyClaim) (*LegacyToken, error) {
	t, err := l.query(ctx, c.proof, "SELECT "+l.selected()+" FROM "+l.table+" WHERE "+c.column+" = ?"+l.ofKind(), c.value)
	if err != nil {
		return nil, away("find a token of another system", err)
	}
	return t, nil
}

// take removes a token that was verified, and returns what it was when it was removed, or
// nil if somebody else has removed it.
func (l *legacyRows) take(ctx context.Context, c legacyClaim) (*LegacyToken, error) {
	t, err := l.query(ctx, c.proof, "DELETE FROM "+l.table+" WHERE "+c.column+" = ? AND "+l.columns.proof+" = ?"+l.ofKind()+
		" RETURNING "+l.selected(), c.value, c.proof)
	if err != nil {
		return nil, away("take a token of another system", err)
	}
	return t, nil
}

// revoke removes the tokens of a subject.
func (l *legacyRows) revoke(ctx context.Context, subject string) (n int, err error) {
	query := "DELETE FROM " + l.table + " WHERE " + l.columns.subject + " = ?" + l.ofKind() + " RETURNING 1"
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		n = 0
		rows, err := txn.InQuery(ctx, l.db).QueryContext(ctx, query, l.args(subject)...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			n++
		}
		return rows.Err()
	})
	if err != nil {
		return 0, away("revoke tokens of another system", err)
	}
	return n, nil
}

// selected are the columns, as text: so a time with a zone differs from one without, and
// integers, UUIDs and JSON are read alike from each database.
func (l *legacyRows) selected() string {
	c := l.columns
	list := []string{c.subject, c.proof, c.name, c.scopes, c.expires, c.created}
	for i, column := range list {
		if list[i] = "NULL"; column != "" {
			list[i] = "CAST(" + column + " AS TEXT)"
		}
	}
	return strings.Join(list, ", ")
}

func (l *legacyRows) ofKind() string {
	if l.columns.kind == "" {
		return ""
	}
	return " AND " + l.columns.kind + " = ?"
}

// args are the arguments of a statement that ends with ofKind.
func (l *legacyRows) args(args ...any) []any {
	if l.columns.kind == "" {
		return args
	}
	return append(args, l.kind)
}

// query runs a statement that returns at most one row, and again after a fault that passes.
func (l *legacyRows) query(ctx context.Context, proof, query string, args ...any) (t *LegacyToken, err error) {
	err = sqlerr.Retry(ctx, func(ctx context.Context) (err error) {
		t, err = l.read(ctx, proof, query, l.args(args...))
		return err
	})
	return t, err
}

// read reads to the end: only there is it known that the statement has succeeded.
func (l *legacyRows) read(ctx context.Context, proof, query string, args []any) (found *LegacyToken, err error) {
	rows, err := txn.InQuery(ctx, l.db).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r legacyRow
		if err := rows.Scan(&r.subject, &r.proof, &r.name, &r.scopes, &r.expires, &r.created); err != nil {
			return nil, err
		}
		if found != nil || subtle.ConstantTimeCompare([]byte(r.proof.String), []byte(proof)) != 1 {
			continue
		}
		if found, err = l.token(&r); err != nil {
			return nil, err
		}
	}
	return found, rows.Err()
}

type legacyRow struct{ subject, proof, name, scopes, expires, created sql.NullString }

// token returns what a verified row is worth, nil if that is nothing any more.
func (l *legacyRows) token(r *legacyRow) (*LegacyToken, error) {
	end, err := l.end(r)
	if err != nil || r.subject.String == "" || !end.IsZero() && !l.clock().Before(end) {
		return nil, err
	}
	scopes, err := l.scopesOf(r.scopes)
	if err != nil {
		return nil, err
	}
	return &LegacyToken{r.subject.String, r.name.String, scopes, end}, nil
}

// end returns when a token expires; zero: never.
func (l *legacyRows) end(r *legacyRow) (time.Time, error) {
	end, err := legacyTime(r.expires, l.zone)
	if err != nil || l.life == 0 {
		return end, err
	}
	made, err := legacyTime(r.created, l.zone)
	if err != nil || made.IsZero() {
		return made.Add(1), err // without a beginning it is over
	}
	if last := made.Add(l.life); end.IsZero() || last.Before(end) {
		end = last
	}
	return end, nil
}

// scopesOf reads a JSON array, or an object whose values are meant: PHP writes one for an
// array with gaps.
func (l *legacyRows) scopesOf(stored sql.NullString) ([]string, error) {
	if l.columns.scopes == "" {
		return slices.Clone(l.scopes), nil
	}
	if !stored.Valid {
		return nil, nil
	}
	var list []string
	if err := json.Unmarshal([]byte(stored.String), &list); err == nil {
		return list, nil
	}
	var named map[string]string
	if err := json.Unmarshal([]byte(stored.String), &named); err != nil {
		return nil, fmt.Errorf("the scopes in %s are no JSON array of strings", l.table)
	}
	return slices.Sorted(maps.Values(named)), nil
}

// sha256Hex is what most systems store.
func sha256Hex(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
