// Package kahu is the front page of a middleware framework in the manner of Koa with
// authentication in the manner of passport. The code is in its folders: begin with
// [github.com/kahu-go/kahu/app].
package kahu
