package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

// behindForwarded returns an App behind proxies that write Forwarded.
func behindForwarded() *app.App {
	a := quiet()
	a.Proxies = app.NewProxies(app.ProxyOptions{Networks: []string{"10.0.0.0/8", "fd00::/8"}, Forwarded: true})
	return a
}

func forwarded(lines ...string) func(r *http.Request) {
	return func(r *http.Request) { r.Header["Forwarded"] = lines }
}

func TestForwarded(t *testing.T) {
	const here = "shire.example"
	for _, test := range []struct {
		name, header string
		want         sight
	}{
		{"all", `for=203.0.113.9;proto=https;host=bree.example`, sight{"203.0.113.9", "https", "bree.example", ""}},
		{"only the address", `for=203.0.113.9`, sight{"203.0.113.9", "http", here, ""}},
		{"capitals", `For="203.0.113.9";PROTO=HTTPS;Host=Bree.Example`, sight{"203.0.113.9", "https", "bree.example", ""}},
		{"IPv6 with a port", `for="[2001:db8::7]:4711"`, sight{"2001:db8::7", "http", here, ""}},
		{"IPv6", `for="[2001:0DB8::7]"`, sight{"2001:db8::7", "http", here, ""}},
		{"a host with a port", `for=203.0.113.9;host="bree.example:8443"`, sight{"203.0.113.9", "http", "bree.example:8443", ""}},
		{"spaces", ` for=203.0.113.9 ; proto=https `, sight{"203.0.113.9", "https", here, ""}},
		{"semicolons too many", `;for=203.0.113.9;;proto=https;`, sight{"203.0.113.9", "https", here, ""}},
		{"two elements", `for=198.51.100.66;proto=http;host=mordor.example, for=203.0.113.9;proto=https;host=bree.example`, sight{"203.0.113.9", "https", "bree.example", ""}},
		{"two proxies", `for=203.0.113.9;proto=https;host=bree.example, for=10.0.0.2;proto=http;host=inner.example`, sight{"203.0.113.9", "https", "bree.example", ""}},
		{"two proxies of which one says all", `for=203.0.113.9, for=10.0.0.2;proto=https;host=bree.example`, sight{"203.0.113.9", "https", "bree.example", ""}},
		{"an empty element at the end", `for=203.0.113.9;proto=https, , `, sight{"203.0.113.9", "https", here, ""}},
		{"an empty element between", `for=203.0.113.9,,for=10.0.0.2`, sight{"203.0.113.9", "http", here, ""}},
		{"a hidden client", `for=198.51.100.66, for=_hidden;proto=https, for=10.0.0.2`, sight{"10.0.0.2", "https", here, ""}},
		{"an unknown client", `for=198.51.100.66, for=unknown;proto=https`, sight{"10.0.0.1", "https", here, ""}},
		{"an element without an address", `for=198.51.100.66, proto=https`, sight{"10.0.0.1", "https", here, ""}},
		{"names that are not ours", `by=10.0.0.1;secret=x;for=203.0.113.9`, sight{"203.0.113.9", "http", here, ""}},
		{"a comma in a text", `for=203.0.113.9;by="a, for=198.51.100.66"`, sight{"203.0.113.9", "http", here, ""}},
		{"a quote in a text", `for=203.0.113.9;by="a\", for=198.51.100.66, \""`, sight{"203.0.113.9", "http", here, ""}},
		{"a backslash in a text", `for=203.0.113.9;by="a\\"`, sight{"203.0.113.9", "http", here, ""}},
		{"an address with escapes", `for="203\.0.113.9"`, sight{"203.0.113.9", "http", here, ""}},
		{"an empty text", `for=203.0.113.9;by=""`, sight{"203.0.113.9", "http", here, ""}},
		{"another scheme", `for=203.0.113.9;proto=gopher`, sight{"203.0.113.9", "http", here, ""}},
		{"what is no host", `for=203.0.113.9;host="mordor.example/"`, sight{"203.0.113.9", "http", here, ""}},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, see(t, behindForwarded(), forwarded(test.header))) })
	}
	t.Run("lines are one list", func(t *testing.T) {
		s := see(t, behindForwarded(), forwarded(`for=198.51.100.66;proto=http`, `for=203.0.113.9;proto=https, for=10.0.0.3`, ``, `for=10.0.0.2`))
		assert.Equal(t, sight{"203.0.113.9", "https", here, ""}, s)
	})
}

// What a client wrote cannot void what the proxy appended.
func TestForwardedAfterWhatAClientWrote(t *testing.T) {
	const honest = `for=203.0.113.9;proto=https;host=bree.example`
	for name, client := range map[string]string{
		"a word": `x`, "an open quote": `for="`, "an open quote after an address": `for=198.51.100.66;x="`, "a quoted address": `for="198.51.100.66`,
		"nothing": ``, "commas": `,,,`, "a semicolon": `;`, "spaces": ` `, "spaces around the equals sign": `for = 198.51.100.66`, "a backslash": `for="\`,
		"an escaped quote": `for="\"`, "a quote": `"`, "two quotes": `""`, "a name twice": `for=198.51.100.66;for=198.51.100.66`, "no value": `for=`,
		"a control character": "for=\"\x00\"", "a long word": `for=` + strings.Repeat("a", 1_000_000), "a long text": `for="` + strings.Repeat(`\"`, 500_000),
		"many elements": strings.Repeat("for=10.0.0.2,", 100_000), "many commas": strings.Repeat(",", 1_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			want := sight{"203.0.113.9", "https", "bree.example", ""}
			assert.Equal(t, want, see(t, behindForwarded(), forwarded(client+", "+honest)))
			assert.Equal(t, want, see(t, behindForwarded(), forwarded(client, honest)), "in a line of its own")
		})
	}
}

// Left of what nobody can read nothing is believed.
func TestForwardedEndsAtWhatIsMalformed(t *testing.T) {
	const claimed = `for=198.51.100.66;proto=https;host=mordor.example`
	for name, bad := range map[string]string{
		"a word": `x`, "no value": `for=`, "no name": `=10.0.0.3`, "an open quote": `for="10.0.0.3`, "a quote too many": `for="10.0.0.3""`,
		"text behind a text": `for="10.0.0.3"x`, "a name twice": `for=10.0.0.3;For=10.0.0.3`, "a space in a name": `fo r=10.0.0.3`, "an address without quotes": `for=[fd00::3]`,
		"spaces around the equals sign": `for= 10.0.0.3`, "a slash": `for=10.0.0.3/8`, "a control character": "for=\"10.0.0.3\x00\"", "more than the bound": `for=10.0.0.3;x=` + strings.Repeat("a", 8<<10),
		"no pair": `;`, "two pairs without a semicolon": `for=10.0.0.3 proto=https`, "a byte that is no ASCII": "for=10.0.0.3\xff",
	} {
		t.Run(name, func(t *testing.T) {
			want := sight{"10.0.0.2", "http", "shire.example", ""}
			assert.Equal(t, want, see(t, behindForwarded(), forwarded(claimed+", "+bad+", for=10.0.0.2")))
			assert.Equal(t, want, see(t, behindForwarded(), forwarded(claimed, bad, "for=10.0.0.2")), "in lines of their own")
		})
	}
}

func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", ",", ";", "x", `for="`, `"`, `""`, `\`, `"\"`, `for=10.0.0.3`, `a="b,c"`, `", "`, `x",for="10.0.0.3`, "\x00\xff"} {
		f.Add(seed)
	}
	a := behindForwarded()
	var s sight
	a.Use(last(func(ctx *app.Context) error {
		s = sight{Address: ctx.Address().String(), Scheme: ctx.Scheme(), Host: ctx.Host()}
		return nil
	}))
	f.Fuzz(func(t *testing.T, client string) {
		r := get("/")
		r.RemoteAddr, r.Host = "10.0.0.1:999", "shire.example"
		for _, lines := range [][]string{{client + `,for="203.0.113.9:1";proto=https;host=bree.example`}, {client, `for=203.0.113.9;proto=https;host=bree.example`}} {
			r.Header = http.Header{"Forwarded": lines}
			record(a, r)
			assert.Equal(t, sight{"203.0.113.9", "https", "bree.example", ""}, s, "whatever the client wrote")
		}
		if strings.Contains(client, "=") || strings.Trim(client, " \t,") == "" {
			return
		}
		r.Header = http.Header{"Forwarded": {"for=198.51.100.66;proto=https;host=mordor.example," + client + ",for=10.0.0.2"}}
		record(a, r)
		assert.Equal(t, sight{"10.0.0.2", "http", "shire.example", ""}, s, "what has no pair is malformed")
	})
}
