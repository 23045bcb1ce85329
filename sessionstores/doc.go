// Package sessionstores has the stores that keep sessions: [Memory] for tests and
// single processes, [Bun] for Postgres and SQLite alike, and [Redis]. All three
// pass the suite of the package storetest, which is there for other stores too.
//
// [Gorilla] lets an application of gorilla/sessions use any of them.
package sessionstores
