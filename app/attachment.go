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
	return how + `; filename="` + plain + `"; filename*=UTF-8''` + encodeExtended(name)
}

const maxFilename = 255

// dispositionName returns what is safe of a name that somebody else may have chosen; "" if that is nothing.
func dispositionName(filename string) string {
	name := filename[strings.LastIndexAny(filename, `/\`)+1:]
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
	if len(name) <= maxFilename {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > 32 {
		extension = ""
	}
	end := maxFilename - len(extension)
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + extension
}

// encodeExtended percent-encodes what is no attr-char (RFC 8187 section 3.2.1).
func encodeExtended(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		ch := text[i]
		if strings.IndexByte(fieldTokenChars, ch) >= 0 && !strings.ContainsRune("*'%", rune(ch)) {
			b.WriteByte(ch)
		} else {
			b.Write([]byte{'%', hex[ch>>4], hex[ch&15]})
		}
	}
	return b.String()
}
