package app

import "strings"

// follow walks the elements of Forwarded (RFC 7239) from the right, as long as who wrote one is
// trusted. Each element says by which scheme and under which host its proxy was asked: the
// outermost one that is trusted knows best. A header that is malformed says nothing.
func (p *Proxies) follow(lines []string, c *claim) {
	elements, ok := parseForwarded(strings.Join(lines, ","))
	if !ok {
		return
	}
	for i := len(elements) - 1; i >= 0 && p.trusts(c.address); i-- {
		e := elements[i]
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
		c.address = hop
	}
}

const maxForwarded = 8 << 10

// parseForwarded reads elements of pairs name=value, whose values are tokens or quoted strings.
func parseForwarded(text string) (elements []map[string]string, ok bool) {
	if len(text) > maxForwarded {
		return nil, false
	}
	element := map[string]string{}
	for text != "" {
		name, rest, found := strings.Cut(text, "=")
		name = strings.ToLower(strings.Trim(name, " \t"))
		if !found || !isFieldToken(name) {
			return nil, false
		}
		value, rest, ok := forwardedValue(rest)
		if _, twice := element[name]; !ok || twice {
			return nil, false
		}
		element[name] = value
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" || rest[0] == ',' {
			elements, element = append(elements, element), map[string]string{}
		}
		if rest == "" {
			return elements, true
		}
		if rest[0] != ',' && rest[0] != ';' || len(rest) == 1 {
			return nil, false
		}
		text = rest[1:]
	}
	return elements, true
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

const fieldTokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func isFieldToken(text string) bool { return text != "" && strings.Trim(text, fieldTokenChars) == "" }
