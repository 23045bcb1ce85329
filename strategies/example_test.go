package strategies_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
)

func ExampleNewLocal() {
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4}) // 12 in earnest
	hash, err := hasher.Hash(context.Background(), "precious-ring-1954")
	if err != nil {
		panic(err)
	}
	local := strategies.NewLocal(func(_ context.Context, name string) (user, hashed string, err error) {
		if name != "frodo" {
			return "", "", sql.ErrNoRows
		}
		return name, hash, nil
	}, strategies.LocalOptions{Hasher: hasher})

	a := app.New()
	a.Use(func(ctx *app.Context, next app.Handler) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err
		}
		ctx.Body = fmt.Sprint("hello ", id.User)
		return nil
	})
	for _, body := range []string{`{"username":"frodo","password":"precious-ring-1954"}`, `{"username":"frodo","password":"x"}`, `{"username":"sauron","password":"x"}`} {
		r := httptest.NewRequest("POST", "/session", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello frodo
	// 401 {"errors":[{"title":"Wrong username or password","status":401}]}
	// 401 {"errors":[{"title":"Wrong username or password","status":401}]}
}
