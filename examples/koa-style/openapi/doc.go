// Package openapi has the tests that hold the koa-style example, running as its users run
// it, against openapi.yaml: every answer is one that the document describes, and every
// answer that it describes is seen. It is a module of its own because what reads such
// documents is nothing that an authentication framework should bring along.
package openapi
