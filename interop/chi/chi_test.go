// Package chi_test has our layers in chi.
package chi_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

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

func routes(s *shire.Shire, r chi.Router) {
	r.Get("/", answer(func(r *http.Request) (string, error) { return shire.Name(r.Context()), nil }))
	r.Method("POST", "/login", peer.Login(s))
	r.Method("POST", "/logout", peer.Logout(s))
	r.Get("/stream", peer.Stream)
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("the balrog") })
	r.Get("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r.Get("/teapot", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, "short and stout")
	})
}

var (
	ring = answer(func(r *http.Request) (string, error) {
		return shire.Name(r.Context()) + " " + chi.URLParam(r, "id"), nil
	})
	count = answer(func(r *http.Request) (string, error) {
		n, err := shire.Count(r.Context())
		return fmt.Sprint(n), err
	})
)

const notFound = "404 page not found\n"

// Layers in Use see the pattern. A group with a path of its own guards what chi does not know there,
// too.
func TestChi(t *testing.T) {
	peer.Run(t, peer.Peer{
		Router: func(s *shire.Shire) http.Handler {
			r := chi.NewRouter()
			r.Use(peer.Around(s))
			routes(s, r)
			r.Route("/rings", func(r chi.Router) {
				r.Use(peer.Guard(s))
				r.Get("/{id}", ring)
				r.Post("/{id}", count)
			})
			return r
		},
		NotFound: notFound, Allow: "GET", MissBelow: 401, MethodBelow: 401, Pattern: "/rings/{id}",
	})
}

// Guards that stand before routes alone leave what chi does not know to chi. Layers around the whole
// router see the pattern of routes with an Adapt of their own, since chi makes a request of its own.
func TestChiInside(t *testing.T) {
	peer.Run(t, peer.Peer{
		Router: func(s *shire.Shire) http.Handler {
			r := chi.NewRouter()
			routes(s, r)
			r.Group(func(r chi.Router) {
				r.Use(peer.Guard(s))
				r.Get("/rings/{id}", ring)
				r.Post("/rings/{id}", count)
			})
			return peer.Around(s)(r)
		},
		NotFound: notFound, Allow: "GET", MissBelow: 404, MethodBelow: 405, Pattern: "/rings/{id}",
	})
}
