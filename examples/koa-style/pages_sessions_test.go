package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// frodoStays is the form to log in of somebody who stays logged in.
var frodoStays = url.Values{"username": {"frodo"}, "password": {"precious-ring-1954"}, "remember": {"true"}}

const (
	goodAndStays = `{"username":"frodo","password":"precious-ring-1954","remember":true}`
	anIPad       = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/604.1"
)

// closes forgets a cookie, as a browser does with the session's when it is closed.
func (v *visitor) closes() {
	v.t.Helper()
	u, err := url.Parse(v.base)
	require.NoError(v.t, err)
	v.http.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Path: "/", MaxAge: -1}})
}

// leads asks for a page that leads elsewhere.
func (v *visitor) leads(path string) (location string) {
	v.t.Helper()
	status, header, body := v.get(path, aBrowser...)
	require.Equal(v.t, 303, status, body)
	return header.Get("Location")
}

func (v *visitor) stays(agent string) *visitor {
	v.t.Helper()
	other := newVisitor(v.t, v.base)
	status, _, body := other.send("POST", "/session", "application/json", goodAndStays, "User-Agent", agent)
	require.Equal(v.t, 201, status, body)
	return other
}

// ids are what the page of sessions can end or forget.
func (v *visitor) ids(action string) (ids []string) {
	v.t.Helper()
	for _, m := range regexp.MustCompile(`action="`+action+`/([\w-]+)/\w+"`).FindAllStringSubmatch(v.page("/account/sessions"), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestSessionsPage(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v := newVisitor(t, base)
		v.submit("/login", frodosForm)
		body := v.page("/account/sessions")
		for _, text := range []string{`Chrome on Linux <span class="badge">this one</span>`, "<dd>127.0.0.1</dd>", "You are logged in nowhere else.", "Nowhere. Who chooses"} {
			assert.Contains(t, body, text)
		}
		assert.NotContains(t, body, "/end\"", "here is logging out")
		v.endsOneOfThem()
		v.forgetsADevice()
		v.endsAllOthers()
		v.endsAll()
	})
}

func (v *visitor) endsOneOfThem() {
	tablet := v.stays(anIPad)
	sam := newVisitor(v.t, v.base)
	require.Equal(v.t, 201, sam.login(`{"username":"sam","password":"precious-ring-1954"}`))
	samToo := newVisitor(v.t, v.base)
	require.Equal(v.t, 201, samToo.login(`{"username":"sam","password":"precious-ring-1954","remember":true}`))
	body := v.page("/account/sessions")
	assert.Equal(v.t, 1, strings.Count(body, "this one</span>"))
	assert.Equal(v.t, 2, strings.Count(body, "Safari on iPad</h3>"), "a session, and a device that is remembered")
	handles := v.ids("/account/sessions")
	require.Len(v.t, handles, 1)

	status, _, _ := v.send("POST", "/account/sessions/"+handles[0]+"/end", formType, "", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(v.t, 403, status, "another site ends nothing")
	sams, samsDevice := sam.ids("/account/sessions"), sam.ids("/account/remembered")
	require.Len(v.t, sams, 1)
	require.Len(v.t, samsDevice, 1)
	for _, step := range [][2]string{
		{"/account/sessions/" + sams[0] + "/end", "That session is over already."},
		{"/account/sessions/x/end", "That session is over already."},
		{"/account/remembered/" + samsDevice[0] + "/forget", "That device is forgotten already."},
		{"/account/remembered/x/forget", "That device is forgotten already."},
	} {
		assert.Contains(v.t, v.sends(step[0], nil, "/account/sessions"), step[1])
	}
	assert.Equal(v.t, 200, samToo.status("GET", "/session", ""), "those of others stay")
	assert.Equal(v.t, 200, tablet.status("GET", "/session", ""))

	body = v.sends("/account/sessions/"+handles[0]+"/end", nil, "/account/sessions")
	assert.Contains(v.t, body, "The session was ended.")
	assert.NotContains(v.t, body, "Safari on iPad", "its device is forgotten, too")
	assert.Equal(v.t, 401, tablet.status("GET", "/session", ""))
	assert.NotContains(v.t, v.page("/account/sessions"), "The session was ended.", "a message is shown once")
}

func (v *visitor) forgetsADevice() {
	tablet := v.stays(anIPad)
	devices := v.ids("/account/remembered")
	require.Len(v.t, devices, 1)
	body := v.sends("/account/remembered/"+devices[0]+"/forget", nil, "/account/sessions")
	assert.Contains(v.t, body, "The device was forgotten.")
	assert.Empty(v.t, v.ids("/account/remembered"))
	assert.Equal(v.t, 200, tablet.status("GET", "/session", ""), "its session goes on")
	tablet.closes()
	assert.Equal(v.t, 401, tablet.status("GET", "/session", ""))
}

func (v *visitor) endsAllOthers() {
	tablet, phone := v.stays(anIPad), v.stays("Android")
	assert.Contains(v.t, v.sends("/account/sessions/end-others", nil, "/account/sessions"), "3 other sessions were ended.", "with that of the device that was forgotten")
	assert.Empty(v.t, v.ids("/account/remembered"))
	for _, other := range []*visitor{tablet, phone} {
		assert.Equal(v.t, 401, other.status("GET", "/session", ""))
	}
	v.stays("Android")
	assert.Contains(v.t, v.sends("/account/sessions/end-others", nil, "/account/sessions"), "One other session was ended.")
}

func (v *visitor) endsAll() {
	v.submit("/login", frodoStays)
	phone := v.stays("Android")
	assert.Contains(v.t, v.sends("/account/sessions/end-all", nil, "/login"), "You are logged out everywhere.")
	assert.Equal(v.t, "/login", v.leads("/account"))
	assert.Equal(v.t, 401, phone.status("GET", "/session", ""))
	v.submit("/login", frodosForm)
	other := newVisitor(v.t, v.base)
	require.Equal(v.t, 201, other.login(good))
	here := other.ids("/account/sessions")
	require.Len(v.t, here, 1)
	v.sends("/account/sessions/"+here[0]+"/end", nil, "/")
	assert.Equal(v.t, "/login", v.leads("/account"), "to end the own one is to log out")
}
