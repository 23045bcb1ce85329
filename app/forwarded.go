package app

import "strings"

// follow walks the elements of Forwarded (RFC 7239) from the right, as long as who wrote one is
// trusted. Each element says by which scheme and under which host its proxy was asked: the
// outermost one that is trusted knows best. One that is malformed says nothing, and ends the
// walk: what is left of it may be the client's.
func (p *Proxies) follow(lines []string, c *claim) {
	for text := range lastFirst(lines, lastComma) {
		if text == "" {
			continue // RFC 9110 section 5.6.1.2
		}
		if !p.trusts(c.address) {
			return
		}
		e, ok := parseElement(text)
		if !ok {
			return
		}
		if scheme := validScheme(e["proto"]); scheme != "" {
			c.scheme = scheme
		}
		if host, ok := canonicalHost(e["host"]); ok {
			c.host = host
		}
		hop, ok := hopAddress(e["for"])
		if !ok {
			return
		}
		c.passed(hop)
	}
}

// lastComma returns where the last element of a list begins, less one. A comma in a quoted string
// ends none. From the right, too, it is plain where a string begins: a quote that belongs to it
// has an odd number of backslashes before it, and the first one an equals sign.
func lastComma(list string) int {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch list[i] {
		case '"':
			if !quoted || !escaped(list[:i]) {
				quoted = !quoted
			}
		case ',':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

func escaped(before string) bool {
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}

// parseElement reads pairs name=value with semicolons between, whose values are tokens or quoted
// strings.
func parseElement(text string) (element map[string]string, ok bool) {
	element = map[string]string{}
	for more := true; more; {
		text = strings.TrimLeft(text, " \t;")
		if text == "" {
			break
		}
		name, rest, found := strings.Cut(text, "=")
		name = strings.ToLower(name)
		if !found || !isFieldToken(name) {
			return nil, false
		}
		value, rest, ok := forwardedValue(rest)
		if _, twice := element[name]; !ok || twice {
			return nil, false
		}
		element[name] = value
		if rest, text, more = strings.Cut(rest, ";"); strings.Trim(rest, " \t") != "" {
			return nil, false
		}
	}
	return element, true
}

// forwardedValue reads a token or a quoted string at the beginning of text.
func forwardedValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(fieldTokenChars, r) })
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], end > 0
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '"':
			return b.String(), text[i+1:], true
		case ch == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case ch < ' ' && ch != '\t' || ch == 0x7f:
			return "", "", false
		default:
			b.WriteByte(ch)
		}
	}
	return "", "", false
}

const fieldTokenChars = lettersAndDigits + "!#$%&'*+-.^_`|~"

func isFieldToken(text string) bool { return text != "" && strings.Trim(text, fieldTokenChars) == "" }
