package sessionstores_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/sessionstores"
)

// Sessions in the embedded database, or in Postgres with another address.
func ExampleNewBun() {
	ctx := context.Background()
	db, err := database.Open("file::memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := sessionstores.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	store := sessionstores.NewBun(db)
	fmt.Println(store.Ping(ctx))
	// Output: <nil>
}

// An application of gorilla/sessions keeps its code and gets another store.
func ExampleGorilla() {
	store := sessionstores.Gorilla(sessionstores.NewMemory(), sessionstores.GorillaOptions{})
	login := func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "__Host-session")
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		session.Values["user"] = "frodo"
		if err := sessionstores.Renew(session); err != nil { // a new id at each login
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		if err := session.Save(r, w); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	}
	w := httptest.NewRecorder()
	login(w, httptest.NewRequest("POST", "https://shire.example/login", nil))
	c := w.Result().Cookies()[0]
	fmt.Println(c.Name, c.Secure, c.HttpOnly, c.SameSite == http.SameSiteLaxMode)
	// Output: __Host-session true true true
}
