package app

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// Param returns the part of the path that the route's pattern names, as a T: what [Query]
// takes, but no slice. What is no T is an error of 404 to return, for there is nothing at
// such a path. A name that the pattern does not have, and another T, are errors answered 500.
func Param[T any](ctx *Context, name string) (T, error) {
	var v, none T
	t, text := reflect.TypeFor[T](), ctx.Param(name)
	switch {
	case !single(t):
		return none, fmt.Errorf("app: Param makes no %s of text", t)
	case text == "" && !hasWildcard(ctx.Request.Pattern, name):
		return none, fmt.Errorf("app: the route %q has no {%s}", ctx.Request.Pattern, name)
	}
	if err := setValue(reflect.ValueOf(&v).Elem(), text); err != nil {
		return none, &Error{Status: http.StatusNotFound, Cause: fmt.Errorf("app: the path's %q: %w", name, err)}
	}
	return v, nil
}

// hasWildcard reports whether a pattern has a wildcard of that name.
func hasWildcard(pattern, name string) bool {
	return strings.Contains(pattern, "{"+name+"}") || strings.Contains(pattern, "{"+name+"...}")
}
