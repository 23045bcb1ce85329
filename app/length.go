package app

import (
	"errors"
	"io"
	"net/http"
	"strconv"
)

var (
	errShortStream = errors.New("app: it is shorter than Content-Length says")
	errLongStream  = errors.New("app: it is longer than Content-Length says")
)

// SetLength says how many bytes a stream has, so that the client can show how far it is; negative: nobody knows. If it has
// more or fewer the connection is cut, so that no client takes it for whole. What was said of one Body is
// forgotten if another one is sent. An answer to HEAD needs no Body to say the length. Text, bytes and JSON have their own,
// whatever is said. With a Transfer-Encoding, and after the headers went out, it changes nothing.
func (c *Context) SetLength(n int64) {
	switch {
	case c.sent || len(c.Header()["Transfer-Encoding"]) > 0:
	case n < 0:
		c.Header().Del("Content-Length")
	default:
		c.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		c.sized = c.Body
	}
}

// Length returns how many bytes the answer has as it is prepared now, and false if nobody can tell: a stream whose length
// was not said, no Body. What is to be JSON is encoded to find out.
func (c *Context) Length() (n int64, ok bool) {
	switch b := c.Body.(type) {
	case string:
		return int64(len(b)), true
	case []byte:
		return int64(len(b)), true
	}
	_, streams := reader(c.Body)
	res, proxies := answerOfAnother(c.Body)
	switch {
	case proxies && lengthOf(res) >= 0:
		return lengthOf(res), true
	case c.Body == nil || streams || proxies:
		n = declaredLength(c.Header())
		return max(n, 0), n >= 0
	}
	body, err := c.marshal(c.Body)
	return int64(len(body)), err == nil
}

// declaredLength returns what Content-Length says, -1 for nothing that can be.
func declaredLength(h http.Header) int64 {
	n, err := strconv.ParseUint(onlyLine(h, "Content-Length"), 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}

// streamLength returns what was said of the length of the Body, a stream, and takes back what was not said of it: -1.
func (c *Context) streamLength() int64 {
	h := c.Header()
	n := declaredLength(h)
	if n < 0 || c.sized != nil && !same(c.sized, c.Body) || len(h["Transfer-Encoding"]) > 0 {
		h.Del("Content-Length")
		return -1
	}
	return n
}

// emptyLength says the length of an answer without bytes. HEAD may say that of a Body that is not made for it.
func (c *Context) emptyLength() {
	h := c.Header()
	head := c.Request.Method == http.MethodHead
	switch {
	case head && c.Body == nil && declaredLength(h) >= 0:
	case head && c.Status != http.StatusNoContent && c.Status != http.StatusNotModified:
		c.w.setLength(0) // as the server says for GET
	default:
		h.Del("Content-Length")
	}
}

// copyStream copies a stream of n bytes, of an unknown number if n is negative. The last byte is held back until the
// stream has ended: a client that has all n takes them for whole.
func copyStream(w io.Writer, r io.Reader, n int64) error {
	if n < 0 {
		_, err := io.Copy(w, r)
		return err
	}
	var last [2]byte
	left := last[:1]
	if n > 0 {
		left = last[:2]
		if _, err := io.CopyN(w, r, n-1); err == io.EOF {
			return errShortStream
		} else if err != nil {
			return err
		}
	}
	got, err := io.ReadFull(r, left)
	switch {
	case err == nil:
		return errLongStream
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return err
	case got < len(left)-1:
		return errShortStream
	}
	_, err = w.Write(left[:got])
	return err
}
