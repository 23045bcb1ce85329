package app

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Attachment says that the answer is to be saved as a file of this name, "": of no name (RFC 6266). What stands before the
// last slash or backslash, control characters and those that turn the direction of text are left out, and names longer
// than 255 bytes are cut before their extension. A name that is not plain ASCII is sent in full by filename* (RFC 8187),
// beside one with underscores for old clients. The type is that of the extension, if it is known and none was set. After
// the headers went out it changes nothing.
func (c *Context) Attachment(filename string) { c.dispose("attachment", filename) }

// Inline is [Context.Attachment] for what the browser is to show, if it can, and to save under this name. Pages, SVG and
// the like run their scripts as this site's own then: what users have uploaded is an Attachment.
func (c *Context) Inline(filename string) { c.dispose("inline", filename) }

func (c *Context) dispose(how, filename string) {
	if c.sent {
		return
	}
	name := dispositionName(filename)
	if extension := path.Ext(name); extension != "" && !hasType(c.Header()) {
		c.SetType(extension)
	}
	c.Header().Set("Content-Disposition", disposition(how, name))
}

// disposition writes Content-Disposition. The plain name has nothing that some client decodes or unquotes in its own way
// (RFC 6266 appendix D).
func disposition(how, name string) string {
	if name == "" {
		return how
	}
	plain := strings.Map(func(r rune) rune {
		if r > '~' || strings.ContainsRune(`"%`, r) {
			return '_'
		}
		return r
	}, name)
	if plain == name {
		return how + `; filename="` + plain + `"`
	}
	return how + `; filename="` + plain + `"; filename*=UTF-8''` + percentEncode(name, attrChars)
}

// dispositionName returns what is safe of a name that somebody else may have chosen; "" if that is nothing.
func dispositionName(filename string) string {
	name := lastElement(filename)
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	name = strings.TrimSpace(name)
	if strings.Trim(name, ".") == "" {
		return ""
	}
	return shortName(name)
}

// shortName cuts a name between characters, and keeps its extension if that is short itself.
func shortName(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > 32 {
		extension = ""
	}
	end := maxFileName - len(extension)
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + extension
}

// attrChars are those of attr-char (RFC 8187 section 3.2.1).
const attrChars = lettersAndDigits + "!#$&+-.^_`|~"
