package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"

	"github.com/kahu-go/kahu/app"
)

//go:embed assets
var assets embed.FS

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset answers with a file that pages need. Browsers keep it and ask whether it has
// changed.
func asset(ctx *app.Context) error {
	name := ctx.Param("name")
	body, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return ctx.Throw(http.StatusNotFound, "")
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := ctx.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", tag)
	if ctx.Request.Header.Get("If-None-Match") == tag {
		ctx.Status = http.StatusNotModified
		return nil
	}
	h.Set("Content-Type", assetTypes[path.Ext(name)])
	ctx.Body = body
	return nil
}
