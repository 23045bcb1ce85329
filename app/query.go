package app

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// maxQueryValues bounds what a client can make us allocate by a query.
const maxQueryValues = 1000

// A query is what a query string says.
type query struct {
	raw     string
	values  map[string][]string
	broken  map[string]bool // names with a value that cannot be decoded
	tooMany bool            // of more than maxQueryValues nothing is kept
}

// Query returns the first value of the query under a name, "" without one. What cannot be
// decoded or is no UTF-8 counts as not there, and so does everything in a query of more
// than 1,000 values. For what has to be there once, or is no text, take the function [Query].
func (c *Context) Query(name string) string {
	if values := c.query().values[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// QueryAll returns all values of the query under a name, in their order, as
// [Context.Query] does the first.
func (c *Context) QueryAll(name string) []string { return slices.Clone(c.query().values[name]) }

// Query returns the value of the query under a name, or unset if there is none. T is a
// string, a bool (on or off, true or false, 1 or 0), a number, a time.Duration (1m30s), or
// what is an encoding.TextUnmarshaler as *T, such as netip.Addr and time.Time; or a slice
// of these, which takes any number of values. What is malformed, or there twice, is an
// error of 400 to return, and so is a query of more than 1,000 values. Another T is an
// error answered 500.
func Query[T any](ctx *Context, name string, unset T) (T, error) {
	t := reflect.TypeFor[T]()
	if !single(t) && !many(t) {
		return unset, fmt.Errorf("app: Query makes no %s of text", t)
	}
	var v T
	texts, err := ctx.query().all(name)
	switch {
	case err == nil && len(texts) == 0:
		return unset, nil
	case err == nil:
		err = setValues(reflect.ValueOf(&v).Elem(), texts)
	}
	if err != nil {
		return unset, &Error{Status: http.StatusBadRequest, Message: "Malformed query", Cause: fmt.Errorf("app: the query's %q: %w", name, err)}
	}
	return v, nil
}

// all returns the values of a name, unless there may be others that cannot be told.
func (q *query) all(name string) ([]string, error) {
	switch {
	case q.tooMany:
		return nil, fmt.Errorf("more than %d values", maxQueryValues)
	case q.broken[name]:
		return nil, errors.New("cannot be decoded")
	}
	return q.values[name], nil
}

// query parses the query string, once for each that there is: layers may replace the Request.
func (c *Context) query() *query {
	raw := c.Request.URL.RawQuery
	if c.queried == nil || c.queried.raw != raw {
		c.queried = parseQuery(raw)
	}
	return c.queried
}

func parseQuery(raw string) *query {
	q := &query{raw: raw, values: map[string][]string{}}
	if strings.Count(raw, "&") >= maxQueryValues {
		q.tooMany = true
		return q
	}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, err := decodePair(pair)
		switch {
		case err == nil:
			q.values[name] = append(q.values[name], value)
		case name != "":
			if q.broken == nil {
				q.broken = map[string]bool{}
			}
			q.broken[name] = true
		}
	}
	return q
}
