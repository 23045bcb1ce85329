// Package browser drives the example in Chromium, as people use it. It is a module of
// its own, so that nobody who uses kahu needs what drives a browser. Keep the
// screenshots with
//
//	go test -artifacts -outputdir /tmp
package browser
