package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

// asked answers with what a handler makes of a query.
func asked(t *testing.T, query string, h func(ctx *app.Context) (any, error)) (status int, body string) {
	t.Helper()
	r := get("/")
	r.URL.RawQuery = query
	w := serve(r, last(func(ctx *app.Context) error {
		v, err := h(ctx)
		ctx.Status, ctx.Body = http.StatusOK, fmt.Sprint(v)
		return err
	}))
	return w.Code, w.Body.String()
}

func TestQuery(t *testing.T) {
	for _, test := range []struct {
		name, query, want string
		all               []string
	}{
		{"a value", "ring=one", "one", []string{"one"}},
		{"escapes and blanks", "ring=fr%C3%B6do+b%20%26", "frödo b &", []string{"frödo b &"}},
		{"an escaped name", "r%69ng=one", "one", []string{"one"}},
		{"several", "ring=one&x=y&ring=two&ring=", "one", []string{"one", "two", ""}},
		{"an empty one", "ring=", "", []string{""}},
		{"a name alone", "ring", "", []string{""}},
		{"an equals sign in it", "ring=a=b", "a=b", []string{"a=b"}},
		{"not there", "rings=one&Ring=two&ring[]=three&__proto__=four", "", nil},
		{"nothing", "", "", nil},
		{"what cannot be decoded is left out", "ring=%zz&ring=100%&ring=one", "one", []string{"one"}},
		{"no UTF-8 is left out", "ring=%ff&ring=\xff&%ff=x&ring=one", "one", []string{"one"}},
		{"a semicolon is left out", "ring=one;two&ring=three", "three", []string{"three"}},
		{"a null byte is text", "ring=%00", "\x00", []string{"\x00"}},
		{"as many as there may be", strings.Repeat("x&", 999) + "ring=one", "one", []string{"one"}},
		{"one too many", strings.Repeat("x&", 1000) + "ring=one", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := asked(t, test.query, func(ctx *app.Context) (any, error) {
				assert.Equal(t, test.all, ctx.QueryAll("ring"))
				return ctx.Query("ring"), nil
			})
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, test.want, body)
		})
	}
	t.Run("a query that a layer has replaced is read again", func(t *testing.T) {
		_, body := asked(t, "ring=one", func(ctx *app.Context) (any, error) {
			assert.Equal(t, "one", ctx.Query("ring"))
			ctx.Request.URL.RawQuery = "ring=two"
			return ctx.Query("ring"), nil
		})
		assert.Equal(t, "two", body)
	})
	t.Run("what a caller does with the values concerns nobody else", func(t *testing.T) {
		_, body := asked(t, "ring=one", func(ctx *app.Context) (any, error) {
			ctx.QueryAll("ring")[0] = "two"
			return ctx.Query("ring"), nil
		})
		assert.Equal(t, "one", body)
	})
	t.Run("it is parsed once", func(t *testing.T) {
		asked(t, "ring=one&ring=two", func(ctx *app.Context) (any, error) {
			ctx.Query("ring")
			assert.Zero(t, testing.AllocsPerRun(10, func() { ctx.Query("ring") }))
			return nil, nil
		})
	})
}

// queryOf is the function Query for a value of any type.
func queryOf[T any](unset T) func(ctx *app.Context) (any, error) {
	return func(ctx *app.Context) (any, error) { return app.Query(ctx, "v", unset) }
}

// A colour is one of two texts.
type colour int

func (c *colour) UnmarshalText(text []byte) error {
	switch string(text) {
	case "grey":
		*c = 1
	case "white":
		*c = 2
	default:
		return errors.New("no such colour: " + string(text))
	}
	return nil
}

func TestQueryOfAType(t *testing.T) {
	noon := time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, query string
		h           func(ctx *app.Context) (any, error)
		want        string // "": 400
	}{
		{"a string", "v=ring", queryOf("x"), "ring"},
		{"an empty string is said", "v=", queryOf("x"), ""},
		{"a string that is not there", "w=ring", queryOf("x"), "x"},
		{"an int", "v=-51", queryOf(7), "-51"},
		{"an int that is not there", "", queryOf(7), "7"},
		{"a byte", "v=255", queryOf[uint8](7), "255"},
		{"a float", "v=1.5e3", queryOf(0.5), "1500"},
		{"a bool", "v=on", queryOf(false), "true"},
		{"a bool that is not", "v=0", queryOf(true), "false"},
		{"a duration", "v=1m30s", queryOf(time.Second), "1m30s"},
		{"a UUID", "v=6ba7b810-9dad-11d1-80b4-00c04fd430c8", queryOf(uuid.Nil), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"an address", "v=2001:db8::1", queryOf(netip.Addr{}), "2001:db8::1"},
		{"a time", "v=3018-09-23T12:00:00Z", queryOf(time.Time{}), noon.String()},
		{"a type of the program", "v=white", queryOf(colour(0)), "2"},
		{"any number of ints", "v=1&v=2", queryOf([]int{7}), "[1 2]"},
		{"ints that are not there", "", queryOf([]int{7}), "[7]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := asked(t, test.query, test.h)
			assert.Equal(t, http.StatusOK, status, body)
			assert.Equal(t, test.want, body)
		})
	}
	for _, test := range []struct {
		name, query string
		h           func(ctx *app.Context) (any, error)
	}{
		{"a string twice", "v=a&v=a", queryOf("x")},
		{"an int twice", "v=1&v=2", queryOf(7)},
		{"nothing for an int", "v=", queryOf(7)},
		{"a name alone for an int", "v", queryOf(7)},
		{"text for an int", "v=old", queryOf(7)},
		{"an int and more", "v=1x", queryOf(7)},
		{"a fraction for an int", "v=1.5", queryOf(7)},
		{"a hexadecimal int", "v=0x10", queryOf(7)},
		{"an int with a plus", "v=%2B1", queryOf(7)},
		{"an int with a null byte", "v=1%00", queryOf(7)},
		{"digits of another script", "v=%D9%A1", queryOf(7)},
		{"an int that is too large", "v=256", queryOf[uint8](7)},
		{"a number below zero", "v=-1", queryOf[uint8](7)},
		{"very many digits", "v=" + strings.Repeat("9", 100_000), queryOf(7)},
		{"no number", "v=NaN", queryOf(0.5)},
		{"a number without end", "v=1e999", queryOf(0.5)},
		{"nothing for a bool", "v", queryOf(false)},
		{"another word for a bool", "v=yes", queryOf(false)},
		{"a duration without a unit", "v=90", queryOf(time.Second)},
		{"no UUID", "v=6ba7b810", queryOf(uuid.Nil)},
		{"no address", "v=192.0.2.256", queryOf(netip.Addr{})},
		{"no time", "v=noon", queryOf(time.Time{})},
		{"no colour", "v=brown", queryOf(colour(0))},
		{"one of several", "v=1&v=x", queryOf([]int{7})},
		{"what cannot be decoded", "v=%zz", queryOf("x")},
		{"what cannot be decoded beside what can", "v=a&v=%zz", queryOf("x")},
		{"no UTF-8", "v=%ff", queryOf("x")},
		{"a semicolon", "v=a;b", queryOf("x")},
		{"a query of very many values", strings.Repeat("x&", 1000), queryOf("x")},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := asked(t, test.query, test.h)
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, body, "Malformed query")
		})
	}
}

func TestQueryErrorsDoNotRepeatTheValue(t *testing.T) {
	for name, h := range map[string]func(ctx *app.Context) (any, error){
		"an int": queryOf(7), "a bool": queryOf(true), "a colour": queryOf(colour(0)), "an address": queryOf(netip.Addr{}), "a duration": queryOf(time.Second), "a string": queryOf(""),
	} {
		t.Run(name, func(t *testing.T) {
			asked(t, "v=secret&v=secret", func(ctx *app.Context) (any, error) {
				_, twice := h(ctx)
				ctx.Request.URL.RawQuery = "v=secret%26" + url.QueryEscape("\xff")
				_, broken := h(ctx)
				ctx.Request.URL.RawQuery = "v=secret"
				_, wrong := h(ctx)
				for _, err := range []error{twice, broken, wrong} {
					assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), "secret")
				}
				return nil, nil
			})
		})
	}
}

func TestQueryOfATypeThatIsNotMadeOfText(t *testing.T) {
	for name, h := range map[string]func(ctx *app.Context) (any, error){
		"a struct": queryOf(place{}), "a pointer": queryOf(new(int)), "a map": queryOf(map[string]string{}), "bytes in lists": queryOf([][]byte{}), "anything": queryOf[any](nil),
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := asked(t, "v=1", h)
			assert.Equal(t, http.StatusInternalServerError, status)
		})
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"v=1", "v=%zz&v", "%ff=1&v=1;2", "v=1e9&v=+1", strings.Repeat("&", 1001)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, h := range []func(ctx *app.Context) (any, error){queryOf(1), queryOf(0.5), queryOf(true), queryOf("x"), queryOf([]string{}), queryOf(time.Time{}), queryOf(netip.Addr{})} {
			status, _ := asked(t, query, h)
			assert.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, status)
		}
	})
}
