package sessionstores_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

var foreignKey = []byte("the doors of Durin, lord of Moria")

// newForeign returns a store of gorilla's that keeps sessions in files of a folder.
func newForeign(folder string) app.SessionStore {
	files := sessions.NewFilesystemStore(folder, foreignKey)
	files.MaxLength(0)
	return sessionstores.InsecureFromGorilla(files, files.Codecs...)
}

func TestInsecureFromGorilla(t *testing.T) {
	storetest.Run(t, func(t *testing.T) app.SessionStore { return newForeign(t.TempDir()) })
}

func TestInsecureFromGorillaFaults(t *testing.T) {
	t.Run("a file that cannot be read is a damaged session, and is replaced or ended as any other", func(t *testing.T) {
		folder := t.TempDir()
		s := newForeign(folder)
		require.NoError(t, s.Insert(t.Context(), "key", "", record("frodo")))
		file := filepath.Join(folder, "session_key")
		for _, content := range []string{"", "x", "AAAA"} {
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			r, err := s.Find(t.Context(), "key")
			assert.ErrorIs(t, err, app.ErrSessionDamaged)
			assert.Nil(t, r)
		}
		require.NoError(t, s.Delete(t.Context(), "key"))
		assert.NoFileExists(t, file)
	})
	t.Run("a session of somebody else's making is damaged", func(t *testing.T) {
		folder := t.TempDir()
		files := sessions.NewFilesystemStore(folder, foreignKey)
		theirs := sessions.NewSession(files, "kahu")
		theirs.ID, theirs.Options, theirs.Values["user"] = "key", &sessions.Options{MaxAge: 60}, "frodo"
		require.NoError(t, files.Save(&http.Request{}, discard{http.Header{}}, theirs))
		_, err := newForeign(folder).Find(t.Context(), "key")
		assert.ErrorIs(t, err, app.ErrSessionDamaged)
	})
	t.Run("a folder that is away is a fault", func(t *testing.T) {
		s := newForeign(filepath.Join(t.TempDir(), "none"))
		err := s.Insert(t.Context(), "key", "", record("frodo"))
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
	t.Run("what the store calls too long is a fault", func(t *testing.T) {
		files := sessions.NewFilesystemStore(t.TempDir(), foreignKey)
		s := sessionstores.InsecureFromGorilla(files, files.Codecs...)
		r := record("frodo")
		r.Data = map[string]json.RawMessage{"long": json.RawMessage(`"` + strings.Repeat("x", 5000) + `"`)}
		assert.Error(t, s.Insert(t.Context(), "key", "", r))
	})
	t.Run("codecs that are not the store's are a fault and no lost login", func(t *testing.T) {
		files := sessions.NewFilesystemStore(t.TempDir(), foreignKey)
		s := sessionstores.InsecureFromGorilla(files, securecookie.CodecsFromPairs([]byte("another key of the same kind"))...)
		err := s.Insert(t.Context(), "key", "", record("frodo"))
		require.Error(t, err)
		assert.NotErrorIs(t, err, app.ErrSessionDamaged)
	})
	t.Run("a store that keeps sessions in the browser is a fault", func(t *testing.T) {
		cookies := sessions.NewCookieStore(foreignKey)
		s := sessionstores.InsecureFromGorilla(struct{ sessions.Store }{cookies}, cookies.Codecs...)
		assert.ErrorContains(t, s.Insert(t.Context(), "key", "", record("frodo")), "cookies that these codecs do not make")
	})
	t.Run("a store that is down is a fault", func(t *testing.T) {
		files := sessions.NewFilesystemStore(t.TempDir(), foreignKey)
		s := sessionstores.InsecureFromGorilla(down{files}, files.Codecs...)
		_, err := s.Find(t.Context(), "key")
		assert.ErrorIs(t, err, errDown)
	})
}

func TestInsecureFromGorillaRefuses(t *testing.T) {
	files, cookies := sessions.NewFilesystemStore(t.TempDir(), foreignKey), sessions.NewCookieStore(foreignKey)
	assert.PanicsWithValue(t, "sessionstores: InsecureFromGorilla needs a store and its codecs", func() { sessionstores.InsecureFromGorilla(nil, files.Codecs...) })
	assert.PanicsWithValue(t, "sessionstores: InsecureFromGorilla needs a store and its codecs", func() { sessionstores.InsecureFromGorilla(files) })
	assert.Panics(t, func() { sessionstores.InsecureFromGorilla(cookies, cookies.Codecs...) })
}

var errDown = errors.New("the mines are closed")

type down struct{ sessions.Store }

func (d down) New(*http.Request, string) (*sessions.Session, error) { return nil, errDown }

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
