package strategies_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

type rider struct {
	bun.BaseModel `bun:"table:riders"`

	ID   int64 `bun:",pk"`
	Name string
}

var addresses = map[string]func(t testing.TB) string{
	"SQLite":   func(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
	"Postgres": func(t testing.TB) string { return pgtest.URL(t) },
}

func riders(t testing.TB, db *bun.DB) *serializer.Table[rider] {
	t.Helper()
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	_, err := db.NewCreateTable().Model((*rider)(nil)).Exec(t.Context())
	require.NoError(t, err)
	_, err = db.NewInsert().Model(&rider{ID: 7, Name: "eowyn"}).Exec(t.Context())
	require.NoError(t, err)
	return serializer.NewTable[rider](db, serializer.TableOptions{})
}

func bearing(text string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	return r
}

// Garbage costs nothing, a good token one query with its owner in it, a list one.
func TestBearerStatements(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			b := strategies.NewBearer(tokenstores.NewBun(db), riders(t, db), strategies.BearerOptions{})
			h := app.New().Use(app.Authenticate(b), func(ctx *app.Context, _ app.Handler) error {
				ctx.Body = ctx.User().(*rider).Name
				return nil
			})
			send := func(text string) (int, sqltrace.Counts) {
				trace.Reset()
				w := httptest.NewRecorder()
				h.ServeHTTP(w, bearing(text))
				return w.Code, trace.Counts()
			}
			token, err := b.Issue(t.Context(), &rider{ID: 7}, strategies.TokenOptions{})
			require.NoError(t, err)
			send(token.Text()) // prepares the statement, and writes the first use
			status, counts := send(token.Text())
			assert.Equal(t, 200, status)
			assert.Equal(t, sqltrace.Counts{Queries: 1}, counts)
			status, counts = send("kahu_garbage")
			assert.Equal(t, 401, status)
			assert.Equal(t, sqltrace.Counts{}, counts)
			trace.Reset()
			list, err := b.List(t.Context(), &rider{ID: 7})
			require.NoError(t, err)
			assert.Len(t, list, 1)
			assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
			trace.Reset()
			_, err = b.Issue(t.Context(), &rider{ID: 7}, strategies.TokenOptions{})
			require.NoError(t, err)
			assert.Equal(t, 1, trace.Counts().Queries+trace.Counts().Execs, "a token is one statement")
		})
	}
}

// What one process revokes the next request of another does not take.
func TestBearerOfTwoProcesses(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			url := address(t)
			one, err := database.Open(url)
			require.NoError(t, err)
			t.Cleanup(func() { _ = one.Close() })
			two, err := database.Open(url)
			require.NoError(t, err)
			t.Cleanup(func() { _ = two.Close() })
			here := strategies.NewBearer(tokenstores.NewBun(one), riders(t, one), strategies.BearerOptions{})
			there := strategies.NewBearer(tokenstores.NewBun(two), serializer.NewTable[rider](two, serializer.TableOptions{}), strategies.BearerOptions{})
			h := app.New().Use(app.Authenticate(there), func(ctx *app.Context, _ app.Handler) error { ctx.Body = "in"; return nil })
			token, err := here.Issue(t.Context(), &rider{ID: 7}, strategies.TokenOptions{})
			require.NoError(t, err)
			for _, want := range []int{200, 401} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, bearing(token.Text()))
				assert.Equal(t, want, w.Code)
				_, err = here.Revoke(t.Context(), &rider{ID: 7}, token.ID)
				require.NoError(t, err)
			}
		})
	}
}

func BenchmarkBearer(b *testing.B) {
	stores := map[string]func(b *testing.B) (tokenstores.Store, app.Serializer, any){
		"memory": func(*testing.B) (tokenstores.Store, app.Serializer, any) {
			return tokenstores.NewMemory(), &people{}, &hobbit{Name: "frodo"}
		},
		"Redis": func(b *testing.B) (tokenstores.Store, app.Serializer, any) {
			o, err := redis.ParseURL(redistest.URL(b))
			require.NoError(b, err)
			c := redis.NewClient(o)
			b.Cleanup(func() { _ = c.Close() })
			return tokenstores.NewRedis(c), &people{}, &hobbit{Name: "frodo"}
		},
	}
	for name, address := range addresses {
		stores[name] = func(b *testing.B) (tokenstores.Store, app.Serializer, any) {
			db, err := database.Open(address(b))
			require.NoError(b, err)
			b.Cleanup(func() { _ = db.Close() })
			return tokenstores.NewBun(db), riders(b, db), &rider{ID: 7}
		}
	}
	for name, open := range stores {
		b.Run(name, func(b *testing.B) {
			store, users, user := open(b)
			strategy := strategies.NewBearer(store, users, strategies.BearerOptions{Clock: time.Now})
			token, err := strategy.Issue(b.Context(), user, strategies.TokenOptions{})
			require.NoError(b, err)
			h := app.New().Use(app.Authenticate(strategy), func(ctx *app.Context, _ app.Handler) error { ctx.Status = 204; return nil })
			r := bearing(token.Text())
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != 204 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
