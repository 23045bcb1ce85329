package accounts

import (
	"net/http"
	"strconv"

	"github.com/kahu-go/kahu/app"
)

// The formats. A sign-in that is wrong is 401 in all of them; see [Unprocessable].
var (
	// APIGuard answers as the gem does: {"status":"success","message":…} or
	// {"status":"error","error":…}, and tokens in the headers Access-Token, Refresh-Token and
	// Expire-At.
	APIGuard Format = apiGuard{}

	// Adonis answers as AdonisJS does: the token as an object, {"errors":[{"message":…}]}.
	Adonis Format = adonis{}

	// JSONAPI answers as jsonapi.org has it: {"data":…} and {"errors":[{"status","title"}]},
	// of the type application/vnd.api+json.
	JSONAPI Format = jsonAPI{}

	// Koa answers {"data":…} and {"errors":[{"title","status"}]}.
	Koa Format = koa{}

	// Problem answers failures as problem details (RFC 9457).
	Problem Format = problem{}
)

// Unprocessable is a Format that answers a sign-in that is wrong with 422, as api_guard does.
func Unprocessable(f Format) Format { return unprocessableSignIn{f} }

type unprocessableSignIn struct{ Format }

func (u unprocessableSignIn) Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string) {
	if f.Key == InvalidLoginCredentials {
		own := *f
		own.Status = http.StatusUnprocessableEntity
		ctx.Header().Del("WWW-Authenticate")
		f = &own
	}
	u.Format.Failed(ctx, f, say)
}

// object keeps bodies short.
type object = map[string]any

type apiGuard struct{}

func (apiGuard) Done(ctx *app.Context, d Done, say func(Key, ...string) string) {
	if d.Tokens != nil {
		h := ctx.Header()
		h.Set("Access-Token", d.Tokens.Access())
		h.Set("Expire-At", strconv.FormatInt(d.Tokens.Claims.Expires.Unix(), 10))
		if refresh := d.Tokens.Refresh(); refresh != "" {
			h.Set("Refresh-Token", refresh)
		}
	}
	body := object{"status": say(Success), "message": say(d.Key)}
	if d.View != nil {
		body["data"] = d.View
	}
	ctx.Status, ctx.Body = http.StatusOK, body
}

func (apiGuard) Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string) {
	ctx.Status, ctx.Body = f.Status, object{"status": say(Error), "error": say(f.Key, f.About...)}
}

type adonis struct{}

func (adonis) Done(ctx *app.Context, d Done, say func(Key, ...string) string) {
	ctx.Status = http.StatusOK
	switch {
	case d.Tokens != nil:
		body := object{"type": "bearer", "token": d.Tokens.Access(), "expires_at": d.Tokens.Claims.Expires, "expires_in": int64(d.Tokens.ExpiresIn().Seconds())}
		if refresh := d.Tokens.Refresh(); refresh != "" {
			body["refresh_token"] = refresh
		}
		ctx.Body = body
	case d.View != nil:
		ctx.Body = d.View
	default:
		ctx.Body = object{"message": say(d.Key)}
	}
}

func (adonis) Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string) {
	one := object{"message": say(f.Key, f.About...)}
	if f.Field != "" {
		one["field"] = f.Field
	}
	ctx.Status, ctx.Body = f.Status, object{"errors": []object{one}}
}

type jsonAPI struct{}

func (jsonAPI) Done(ctx *app.Context, d Done, say func(Key, ...string) string) {
	ctx.Header().Set("Content-Type", "application/vnd.api+json")
	body := object{"meta": object{"message": say(d.Key)}}
	if d.Tokens != nil {
		body["meta"].(object)["tokens"] = d.Tokens
	}
	if d.View != nil {
		body["data"] = d.View
	}
	ctx.Status, ctx.Body = http.StatusOK, body
}

func (jsonAPI) Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string) {
	ctx.Header().Set("Content-Type", "application/vnd.api+json")
	one := object{"status": strconv.Itoa(f.Status), "code": string(f.Key), "title": say(f.Key, f.About...)}
	if f.Field != "" {
		one["source"] = object{"pointer": "/data/attributes/" + f.Field}
	}
	ctx.Status, ctx.Body = f.Status, object{"errors": []object{one}}
}

type koa struct{}

func (koa) Done(ctx *app.Context, d Done, say func(Key, ...string) string) {
	body := object{"data": d.View}
	if d.View == nil {
		body["data"] = object{"message": say(d.Key)}
	}
	if d.Tokens != nil {
		body["tokens"] = d.Tokens
	}
	ctx.Status, ctx.Body = http.StatusOK, body
	if d.Key == SignedUp || d.Key == SignedIn {
		ctx.Status = http.StatusCreated
	}
}

func (koa) Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string) {
	ctx.Status, ctx.Body = f.Status, object{"errors": []object{{"title": say(f.Key, f.About...), "status": f.Status}}}
}

type problem struct{}

func (problem) Done(ctx *app.Context, d Done, say func(Key, ...string) string) {
	ctx.Status = http.StatusOK
	switch {
	case d.Tokens != nil:
		ctx.Body = d.Tokens
	case d.View != nil:
		ctx.Body = d.View
	default:
		ctx.Body = object{"message": say(d.Key)}
	}
}

func (problem) Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string) {
	ctx.Header().Set("Content-Type", "application/problem+json")
	body := object{"type": "about:blank", "title": say(f.Key, f.About...), "status": f.Status, "code": f.Key}
	if f.Field != "" {
		body["field"] = f.Field
	}
	ctx.Status, ctx.Body = f.Status, body
}
