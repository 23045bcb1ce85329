package strategytest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

var long = strings.Repeat("A", 1<<20)

// hostileSecrets are the secret with something about it that makes it another, and what has
// broken parsers and queries.
func hostileSecrets(secret string) []string {
	half := len(secret) / 2
	all := []string{
		"", " ", "\x00", secret[:len(secret)-1], secret[:half], secret[half:], secret[1:], secret + secret, secret + "a", "a" + secret,
		secret[:half] + "a" + secret[half:], secret + "\x00", "\x00" + secret, secret[:half] + "\x00" + secret[half:],
		secret + "\x00" + secret, secret[:half] + "\r\n" + secret[half:], secret + "\x01", secret + "\x7f", secret + "\x1b[0m",
		secret + "\xff", "\xff\xfe" + secret, secret + "\xc3", secret + "\u200b", secret + "é", secret + "\U0001f48d", secret + "%00",
		secret + long, long, strings.Repeat("\xff", 1<<16), strings.Repeat(".", 1<<16), strings.Repeat("{", 1<<16),
	}
	for _, text := range []string{"' OR '1'='1", "\\' OR 1=1 --", "%", "_", "*", "$1", "?", "null", "undefined", "true", "0", "-1",
		"{}", "[]", `{"$ne":null}`, "..", "../../etc/passwd", "%s%n", "${jndi:x}", "<script>", "a.b.c", "..", "===="} {
		if text != secret {
			all = append(all, text)
		}
	}
	return all
}

// hostile are the secrets to send in place of a credential's.
func (k *kit) hostile(c Credential) []string {
	_, secret := k.requestOf(c)
	all := hostileSecrets(secret)
	if other := otherCase(secret); other != secret && !k.AnyCase {
		all = append(all, other)
	}
	return all
}

// otherCase is the secret with small letters for capitals and the other way round.
func otherCase(secret string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, secret)
}

// withstandsSecrets is whether what is nearly the secret, or nothing like one, proves anybody.
func withstandsSecrets(k *kit) {
	for i, c := range k.Good {
		for _, hostile := range k.hostile(c) {
			what := fmt.Sprintf("the secret of Good[%d] as %s", i, short(hostile))
			a := k.ask(k.with(c, hostile))
			if a.kind == proved {
				k.Errorf("strategytest: %s: got %s: a secret is good whole, byte for byte, or not at all; compare it as it came, "+
					"or Suite.AnyCase if letters' case is not to matter", what, a)
			}
			k.withstood(what, a)
		}
	}
}

// withstood says what no request may come to.
func (k *kit) withstood(what string, a *answer) {
	k.Helper()
	switch a.kind {
	case panicked:
		k.Errorf("strategytest: %s: got %s: nothing that a client sends may panic", what, a)
	case fault:
		k.Errorf("strategytest: %s: got %s: anybody could fill the log and raise alarms with this; what cannot be a credential is an *app.Rejection, "+
			"and best before a query", what, a)
	case redirected:
		if !k.Redirects {
			k.Errorf("strategytest: %s: got %s, without Suite.Redirects", what, a)
		}
	}
}

// withstandsRequests is whether damage to what Send puts on a request proves anybody else. What
// is read as before, such as a scheme in other letters or blanks about a token, may prove the same.
func withstandsRequests(k *kit) {
	c, other := k.Good[0], k.Good[1]
	for _, p := range placesOf(k.request(c)) {
		for _, hostile := range damaged(p.value) {
			r := k.request(c)
			p.put(r, hostile)
			k.isNobodyElse(fmt.Sprintf("%s as %s", p.name, short(hostile)), k.ask(r), c.User)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/json; charset=\x00", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", strings.Repeat("A", 1<<16)} {
		for _, body := range hostileBodies {
			r := k.request(c)
			post(r, kind, body)
			k.isNobodyElse(fmt.Sprintf("a body of the type %s, %s", short(kind), short(body)), k.ask(r), c.User)
		}
	}
	for name, theirs := range k.request(other).Header {
		r := k.request(c)
		r.Header[name] = append(r.Header[name], theirs...)
		k.withstood("two users' headers "+name+" at once", k.ask(r))
	}
}

func (k *kit) isNobodyElse(what string, a *answer, user any) {
	k.Helper()
	if a.kind == proved && !k.Same(user, a.id.User) {
		k.Errorf("strategytest: %s: got %s, somebody whose credential was not sent", what, a)
	}
	k.withstood(what, a)
}

// A place is where on a request Send put something.
type place struct {
	name, value string
	put         func(r *http.Request, value string)
}

func placesOf(r *http.Request) (all []place) {
	defer func() { all = slices.DeleteFunc(all, func(p place) bool { return p.value == "" }) }()
	for name, values := range r.Header {
		all = append(all, place{"the header " + name, strings.Join(values, ","), func(r *http.Request, value string) { r.Header[name] = []string{value} }})
	}
	for _, c := range r.Cookies() {
		all = append(all, place{"the cookie " + c.Name, c.Value, func(r *http.Request, value string) { r.Header["Cookie"] = []string{c.Name + "=" + value} }})
	}
	for name, values := range r.URL.Query() {
		all = append(all, place{"the query's " + name, values[0], func(r *http.Request, value string) { r.URL.RawQuery = url.QueryEscape(name) + "=" + value }})
	}
	if body := bodyOf(r); body != "" {
		all = append(all, place{"the body", body, setBody})
	}
	return all
}

// damaged is what was sent in one place with damage done to it.
func damaged(value string) []string {
	half := len(value) / 2
	all := append(hostileSecrets(value), otherCase(value), value+" ", " "+value, "\t"+value, value+"\n", value+"\r\nX-Palantir: 1", value+",", value+";",
		value+","+value, value+", "+value, value+"; "+value, value+"=", `"`+value+`"`, value[:half]+"="+value[half:], "%zz", "%", "&", "=", ";", ",", `"`, `\`)
	if scheme, rest, ok := strings.Cut(value, " "); ok {
		all = append(all, scheme, scheme+" ", scheme+"  "+rest, scheme+"\t"+rest, scheme+","+rest, scheme+" "+scheme+" "+rest, scheme+" \xff", scheme+" "+long,
			scheme+" Og==", scheme+" =", scheme+" !", scheme+` realm="`, strings.ToLower(scheme)+" "+rest, "\u212a"+scheme+" "+rest)
	}
	return all
}

var hostileBodies = []string{"", " ", "null", "[]", "{", `{"`, `{"a":`, `{"a":{"$ne":1}}`, `""`, "0", "\x00", "\xff\xfe{}", "%zz", "&&&===", "a=b;c=d", "--x\r\n\r\n",
	strings.Repeat("[", 1<<16), strings.Repeat(`{"a":`, 1<<14), strings.Repeat("a=b&", 1<<14), `"` + strings.Repeat(`\ud800`, 1<<10) + `"`, strings.Repeat("A", 1<<20)}

// short quotes a text for people to read.
func short(text string) string {
	if len(text) > 80 {
		return fmt.Sprintf("%q… of %d bytes", text[:40], len(text))
	}
	return fmt.Sprintf("%q", text)
}
