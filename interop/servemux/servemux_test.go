// Package servemux_test has our layers in net/http's own router.
package servemux_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

// answer writes what a handler has to say.
func answer(f func(r *http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := f(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, text)
	}
}

var (
	ring  = answer(func(r *http.Request) (string, error) { return shire.Name(r.Context()) + " " + r.PathValue("id"), nil })
	count = answer(func(r *http.Request) (string, error) {
		n, err := shire.Count(r.Context())
		return fmt.Sprint(n), err
	})
)

func routes(s *shire.Shire) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", answer(func(r *http.Request) (string, error) { return shire.Name(r.Context()), nil }))
	mux.Handle("POST /login", peer.Login(s))
	mux.Handle("POST /logout", peer.Logout(s))
	mux.HandleFunc("GET /stream", peer.Stream)
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("the balrog") })
	mux.HandleFunc("GET /abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /teapot", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, "short and stout")
	})
	return mux
}

const (
	notFound   = "404 page not found\n"
	notAllowed = "Method Not Allowed\n"
)

func TestServeMux(t *testing.T) {
	peer.Run(t, peer.Peer{
		Router: func(s *shire.Shire) http.Handler {
			mux, guard := routes(s), peer.Guard(s)
			mux.Handle("GET /rings/{id}", guard(ring))
			mux.Handle("POST /rings/{id}", guard(count))
			return peer.Around(s)(mux)
		},
		NotFound: notFound, NotAllowed: notAllowed, Allow: "GET, HEAD",
		MissBelow: 404, MethodBelow: 405, Pattern: "GET /rings/{id}",
	})
}

// A guard around a mux of its own stands before what that does not know, too.
func TestServeMuxBelowAnother(t *testing.T) {
	peer.Run(t, peer.Peer{
		Router: func(s *shire.Shire) http.Handler {
			mux, rings := routes(s), http.NewServeMux()
			rings.Handle("GET /rings/{id}", ring)
			rings.Handle("POST /rings/{id}", count)
			mux.Handle("/rings/", peer.Guard(s)(rings))
			return peer.Around(s)(mux)
		},
		NotFound: notFound, NotAllowed: notAllowed, Allow: "GET, HEAD",
		MissBelow: 401, MethodBelow: 401, Pattern: "GET /rings/{id}",
	})
}
