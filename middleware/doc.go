// Package middleware has the layers of a real application: a request id, a log, headers, CORS,
// compression, limits, a timeout, conditional requests. [Standard] composes them in the order that
// one would choose anyway; each can be left out or replaced. Sessions and routes stand below.
package middleware
