package main

import (
	"strings"
	"testing"
)

const stream = `{"Action":"start","Package":"a"}
go: downloading something
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"    a_test.go:1: quiet\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestSkipped/sub","Output":"=== RUN   TestSkipped/sub\n"}
{"Action":"output","Package":"a","Test":"TestSkipped/sub","Output":"    a_test.go:2: no Redis\n"}
{"Action":"output","Package":"a","Test":"TestSkipped/sub","Output":"--- SKIP: TestSkipped/sub (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestSkipped/sub"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}
{"Action":"pass","Package":"a"}
{"Action":"output","Package":"b","Test":"TestBad","Output":"    b_test.go:3: wrong\n"}
{"Action":"output","Package":"b","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"b","Test":"TestBad"}
{"Action":"output","Package":"b","Test":"TestHung","Output":"panic: test timed out\n"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t0.1s\n"}
{"Action":"fail","Package":"b"}
{"ImportPath":"c","Action":"build-output","Output":"c.go:1: syntax error\n"}
{"Action":"skip","Package":"without tests"}
`

const want = `go: downloading something
ok  	a	0.1s
    b_test.go:3: wrong
--- FAIL: TestBad (0.00s)
FAIL	b	0.1s
panic: test timed out
c.go:1: syntax error
skipped: 1
  a TestSkipped/sub: a_test.go:2: no Redis
`

func TestTheReportIsWhatGoTestPrintsAndTheSkippedTests(t *testing.T) {
	var out strings.Builder
	r := report{out: &out, tests: map[test]*strings.Builder{}}
	if err := r.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	r.skips()
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWithoutSkippedTestsTheReportSaysSo(t *testing.T) {
	var out strings.Builder
	r := report{out: &out}
	r.skips()
	if out.String() != "skipped: none\n" {
		t.Error(out.String())
	}
}
