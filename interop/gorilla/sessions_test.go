package gorilla_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/interop/internal/shire"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

const cookieName = "__Host-shire"

// cart is an application of gorilla's own, that knows nothing of ours but where its sessions are kept.
type cart struct{ store sessions.Store }

func (c *cart) routes() http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/login", c.login).Methods("POST")
	r.HandleFunc("/logout", c.logout).Methods("POST")
	r.HandleFunc("/items/{item}", c.add).Methods("POST")
	r.HandleFunc("/items", c.items).Methods("GET")
	return r
}

func (c *cart) login(w http.ResponseWriter, r *http.Request) {
	s, _ := c.store.Get(r, cookieName)
	if err := sessionstores.Renew(s); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	s.Values["user"] = "frodo"
	s.AddFlash("welcome")
	c.save(w, r, s)
}

func (c *cart) logout(w http.ResponseWriter, r *http.Request) {
	s, _ := c.store.Get(r, cookieName)
	s.Options.MaxAge = -1
	c.save(w, r, s)
}

func (c *cart) add(w http.ResponseWriter, r *http.Request) {
	s, _ := c.store.Get(r, cookieName)
	items, _ := s.Values["items"].([]any)
	s.Values["items"] = append(items, mux.Vars(r)["item"])
	c.save(w, r, s)
}

func (c *cart) items(w http.ResponseWriter, r *http.Request) {
	s, err := c.store.Get(r, cookieName)
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	if s.Values["user"] == nil {
		http.Error(w, "log in", http.StatusUnauthorized)
		return
	}
	flashes := s.Flashes()
	if err := s.Save(r, w); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprint(w, s.Values["user"], s.Values["items"], flashes)
}

func (c *cart) save(w http.ResponseWriter, r *http.Request, s *sessions.Session) {
	if err := s.Save(r, w); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// An application of gorilla's keeps its sessions in our table, with all that it knows of them.
func TestAGorillaApplicationOverOurStore(t *testing.T) {
	db, err := database.Open("file:" + filepath.Join(t.TempDir(), "app.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, sessionstores.Migrate(t.Context(), db))
	clock := apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))
	store := storetest.NewFaulty(sessionstores.NewBun(db))
	v := shire.Serve(t, (&cart{sessionstores.Gorilla(store, sessionstores.GorillaOptions{Clock: clock.Now})}).routes())

	assert.Equal(t, 401, v.Get("/items").Status)
	assert.Equal(t, 204, v.Do("POST", "/items/bread").Status)
	before := v.Cookies()[0]
	v.Login()
	assert.NotEqual(t, before.Value, v.Cookies()[0].Value, "a login renews the id")
	assert.Equal(t, 401, v.Another().Do("GET", "/items", "Cookie", before.String()).Status, "and ends the old one")
	assert.Equal(t, 204, v.Do("POST", "/items/rope").Status)
	assert.Equal(t, "frodo[bread rope] [welcome]", v.Get("/items").Body)
	assert.Equal(t, "frodo[bread rope] []", v.Get("/items").Body, "a flash is read once")

	store.Fail()
	assert.Equal(t, 503, v.Get("/items").Status)
	assert.Equal(t, 503, v.Do("POST", "/logout").Status)
	store.Heal()
	assert.Equal(t, 200, v.Get("/items").Status, "an outage has logged nobody out")

	stolen := v.Cookies()[0]
	assert.Equal(t, 204, v.Do("POST", "/logout").Status)
	assert.Empty(t, v.Cookies())
	assert.Equal(t, 401, v.Another().Do("GET", "/items", "Cookie", stolen.String()).Status, "though somebody has the cookie")

	v.Login()
	clock.Advance(30 * time.Minute)
	assert.Equal(t, 401, v.Get("/items").Status, "and expires on the server")
}

func routes() *router.Router {
	r := router.New()
	r.Open().Post("/login", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Login(&shire.Hobbit{Name: "frodo"})
	})
	r.Open().Post("/logout", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout()
	})
	r.Guard(app.RequireLogin).Post("/rings/{id}", func(ctx *app.Context) error {
		n, err := shire.CountIn(ctx)
		ctx.Body = fmt.Sprint(ctx.User().(*shire.Hobbit).Name, " ", ctx.Param("id"), " ", n)
		return err
	})
	return r
}

// An application of ours keeps its sessions where one of gorilla's has kept them.
func TestOurApplicationOverAGorillaStore(t *testing.T) {
	folder := t.TempDir()
	key := []byte("the doors of Durin, lord of Moria")
	files := func() app.SessionStore {
		store := sessions.NewFilesystemStore(folder, key)
		store.MaxLength(1 << 20)
		return sessionstores.InsecureFromGorilla(store, store.Codecs...)
	}
	count := func() int {
		found, err := filepath.Glob(filepath.Join(folder, "session_*"))
		require.NoError(t, err)
		return len(found)
	}
	s := shire.New()
	a := s.App.Use(s.Over(files()).Layer, routes().Layer)
	v := shire.Serve(t, a)

	assert.Equal(t, 401, v.Do("POST", "/rings/1").Status)
	assert.Zero(t, count(), "a visitor has no file")
	v.Login()
	assert.Equal(t, "frodo 1 1", v.Do("POST", "/rings/1").Body)
	assert.Equal(t, "frodo 1 2", v.Do("POST", "/rings/1").Body)
	assert.Equal(t, 1, count())

	restarted := shire.Serve(t, shire.New().App.Use(s.Over(files()).Layer, routes().Layer))
	cookie := v.Cookies()[0]
	assert.Equal(t, "frodo 1 3", restarted.Do("POST", "/rings/1", "Cookie", cookie.String()).Body, "the files outlive the process")

	first := cookie.Value
	v.Login()
	assert.NotEqual(t, first, v.Cookies()[0].Value)
	assert.Equal(t, 1, count(), "a login leaves one session")
	assert.Equal(t, 401, v.Another().Do("POST", "/rings/1", "Cookie", "__Host-session="+first).Status)

	require.NoError(t, os.Chmod(folder, 0o500))
	require.NoError(t, os.Rename(folder, folder+".away"))
	require.NoError(t, os.WriteFile(folder, nil, 0o600)) // no folder: neither there nor not there
	assert.Equal(t, 503, v.Do("POST", "/rings/1").Status, "a fault is no logout")
	require.NoError(t, os.Remove(folder))
	require.NoError(t, os.Rename(folder+".away", folder))
	require.NoError(t, os.Chmod(folder, 0o700))
	assert.Equal(t, 200, v.Do("POST", "/rings/1").Status)

	stolen := v.Cookies()[0]
	assert.Equal(t, 204, v.Do("POST", "/logout").Status)
	assert.Zero(t, count())
	assert.Equal(t, 401, v.Another().Do("POST", "/rings/1", "Cookie", stolen.String()).Status)
}
