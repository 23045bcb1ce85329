// Package mux_test has our layers in gorilla/mux.
package mux_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gorilla/mux"

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

func router(s *shire.Shire) *mux.Router {
	r := mux.NewRouter()
	r.Methods("GET").Path("/").Handler(answer(func(r *http.Request) (string, error) { return shire.Name(r.Context()), nil }))
	r.Methods("POST").Path("/login").Handler(peer.Login(s))
	r.Methods("POST").Path("/logout").Handler(peer.Logout(s))
	r.Methods("GET").Path("/stream").HandlerFunc(peer.Stream)
	r.Methods("GET").Path("/panic").HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the balrog") })
	r.Methods("GET").Path("/abort").HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r.Methods("GET").Path("/teapot").HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, "short and stout")
	})
	rings := r.PathPrefix("/rings").Subrouter()
	rings.Use(peer.Guard(s))
	rings.Methods("GET").Path("/{id}").Handler(answer(func(r *http.Request) (string, error) {
		return shire.Name(r.Context()) + " " + mux.Vars(r)["id"], nil
	}))
	rings.Methods("POST").Path("/{id}").Handler(answer(func(r *http.Request) (string, error) {
		n, err := shire.Count(r.Context())
		return fmt.Sprint(n), err
	}))
	return r
}

// gorilla/mux runs middleware only for routes that it knows, and sets no pattern.
var own = peer.Peer{NotFound: "404 page not found\n", MissBelow: 404, MethodBelow: 405}

func TestMux(t *testing.T) {
	p := own
	p.Router = func(s *shire.Shire) http.Handler {
		r := mux.NewRouter()
		r.Use(peer.Around(s))
		r.PathPrefix("/").Handler(router(s))
		return r
	}
	peer.Run(t, p)
}

func TestMuxInside(t *testing.T) {
	p := own
	p.Router = func(s *shire.Shire) http.Handler { return peer.Around(s)(router(s)) }
	peer.Run(t, p)
}
