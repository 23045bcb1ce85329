package strategies_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// Whatever is sent, nothing panics, and only the very token is let in: the MAC of a text is
// one.
func FuzzJWT(f *testing.F) {
	secret := []byte("the same in each process of a fuzz") // or else the seed is no good token there
	keys, err := strategies.NewJWTKeys(strategies.JWTKey{ID: kidOf("HS256"), Algorithm: "HS256", Key: secret})
	require.NoError(f, err)
	h, d := newHarbour(f, withKeys(keys)), newDraft("HS256")
	d.sign = signer("HS256", secret)
	good := d.text()
	require.Equal(f, 200, h.send(good).Code)
	f.Add("Bearer " + good)
	for i, forged := range forgeries("https://mordor.example") {
		if i%7 == 0 && !strings.Contains(forged.name, "thousand") {
			f.Add("Bearer " + forged.text())
		}
	}
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer a.b.c", "bearer  x", "Basic x", "Bearer " + good + "=", "Bearer .." + good, "Bearer " + strings.Repeat(".", 9000)} {
		f.Add(header)
	}
	handler := app.New().Use(app.Authenticate(h.jwt), func(ctx *app.Context, _ app.Handler) error { ctx.Status = 204; return nil })
	f.Fuzz(func(t *testing.T, header string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, withHeader("Authorization", header))
		_, text, _ := strings.Cut(header, " ")
		in := text == good && strings.EqualFold(strings.TrimSuffix(header, " "+good), "Bearer")
		if in != (w.Code == 204) || !in && w.Code != 401 && w.Code != 400 {
			t.Fatalf("%d for %q", w.Code, header)
		}
		h.log.Reset()
	})
}
