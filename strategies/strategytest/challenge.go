package strategytest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// challenges is whether what goes into WWW-Authenticate is one challenge, whatever was refused.
func challenges(k *kit) {
	if _, ok := k.Strategy.(app.Challenger); !ok {
		return
	}
	all := append(k.foreign(), k.own()...)
	for _, secret := range k.hostile(k.Good[0]) {
		all = append(all, named{"the secret " + short(secret), k.with(k.Good[0], secret), ""})
	}
	for _, r := range all {
		a := k.ask(r.Request)
		if a.kind == panicked {
			k.Errorf("strategytest: %s: got %s", r.name, a)
		} else if err := wellFormed(a.challenge); err != nil {
			k.Errorf("strategytest: %s: the challenge %s: %v. It is one challenge of RFC 9110 section 11.6.1, such as Ticket realm=\"havens\"; "+
				"what a client cannot read it does not answer, and what a client sent has no place in it", r.name, short(a.challenge), err)
		}
	}
}

// wellFormed reports what keeps a text from being a challenge; "" is none.
//
//	challenge  = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//	auth-param = token BWS "=" BWS ( token / quoted-string )
func wellFormed(challenge string) error {
	for i := range len(challenge) {
		if c := challenge[i]; c < ' ' || c == 0x7f {
			return errors.New("has a control character")
		}
	}
	if challenge == "" {
		return nil
	}
	scheme, rest, spaced := strings.Cut(challenge, " ")
	rest = strings.TrimLeft(rest, " ")
	switch {
	case !isToken(scheme):
		return errors.New("does not begin with a scheme")
	case !spaced || isToken68(rest):
		return nil
	case rest == "":
		return errors.New("ends in a blank")
	}
	return params(rest)
}

// params reads the parameters of a challenge.
func params(rest string) error {
	seen := map[string]bool{}
	for {
		name, after, ok := strings.Cut(rest, "=")
		name, after = strings.TrimRight(name, " "), strings.TrimLeft(after, " ")
		switch {
		case !ok || !isToken(name):
			return fmt.Errorf("has no parameter at %q", rest)
		case seen[strings.ToLower(name)]:
			return fmt.Errorf("has the parameter %q twice", name)
		}
		seen[strings.ToLower(name)] = true
		if rest, ok = behindValue(after); !ok {
			return fmt.Errorf("has no token and no quoted string at %q", after)
		}
		rest = strings.TrimLeft(rest, " ")
		if rest == "" {
			return nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return fmt.Errorf("has no comma at %q", rest)
		}
		rest = strings.TrimLeft(rest, " ")
	}
}

// behindValue returns what stands behind a token or a quoted string.
func behindValue(text string) (rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ", ")
		if end < 0 {
			end = len(text)
		}
		return text[end:], isToken(text[:end])
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[i+1:], true
		}
	}
	return "", false
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func isToken(text string) bool {
	return text != "" && strings.Trim(text, alphanumeric+"!#$%&'*+-.^_`|~") == ""
}

func isToken68(text string) bool {
	text = strings.TrimRight(text, "=")
	return text != "" && strings.Trim(text, alphanumeric+"-._~+/") == ""
}
