package strategies

import (
	"errors"
	"net/http"

	"github.com/kahu-go/kahu/app"
)

// EmitLogin tells of a name and a password that [Local.Verify] did not accept:
// [app.EventLoginFailed], or [app.EventLoginThrottled] if there were too many. Faults it does not
// tell of. [Local.Authenticate] and a [Guard] call it themselves.
func EmitLogin(ctx *app.Context, via string, err error) {
	switch e, ok := errors.AsType[*app.Error](err); {
	case ok && e.Status == http.StatusTooManyRequests:
		ctx.Emit(app.Event{Name: app.EventLoginThrottled, Via: via, Reason: err})
	case !ok && errors.Is(err, app.ErrInvalidCredentials):
		ctx.Emit(app.Event{Name: app.EventLoginFailed, Via: via, Reason: err})
	}
}
