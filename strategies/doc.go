// Package strategies holds ways to find out who sent a request. Each is an
// [app.Strategy]: a value made once and shared by all requests.
package strategies
