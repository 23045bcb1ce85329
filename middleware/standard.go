package middleware

import (
	"fmt"
	"maps"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/throttle"
)

// StandardOptions say what is in [Standard]. The zero value is a stack that one would choose
// anyway, without what an application has to decide: CORS and a throttle.
type StandardOptions struct {
	RequestID  RequestIDOptions
	RequestLog RequestLogOptions
	Headers    HeadersOptions
	Compress   CompressOptions
	BodyLimit  BodyLimitOptions
	Timeout    time.Duration // 0: 30 seconds; for routes that take longer see [Timeout]

	CORS     *CORSOptions     // nil: pages of other sites read nothing
	Throttle *ThrottleOptions // nil: requests are not counted, but for logins
	Counter  throttle.Counter // of Throttle; nil: in memory, for one process

	// Replace puts another layer in the place of one, or leaves it out if it is nil.
	Replace map[Place]app.Middleware
}

// A Place is one in [Standard].
type Place string

// The places, in their order.
const (
	PlaceRequestID  Place = "request id"  // first, so that every line of the log has it
	PlaceRequestLog Place = "request log" // outside of all that can answer, so that it sees every answer
	PlaceHeaders    Place = "headers"     // before anything that can refuse: errors have them, too
	PlaceCORS       Place = "cors"        // before the throttle: a page may read that it was too fast
	PlaceThrottle   Place = "throttle"    // before any work is done
	PlaceCompress   Place = "compress"    // sees the answer as it goes out
	PlaceBodyLimit  Place = "body limit"  // before anybody reads
	PlaceTimeout    Place = "timeout"     // bounds the work, not what stands above
	PlaceETag       Place = "etag"        // next to the handlers whose bodies it looks at
)

// Standard returns the layers above sessions and routes, in the order in which they belong:
//
//	a.Use(middleware.Standard(middleware.StandardOptions{}), sessions.Layer, r.Layer)
//
// It panics for what its layers refuse, for a Replace of a place that there is not, and for a
// Counter without a Throttle.
func Standard(o StandardOptions) app.Middleware {
	stack := []struct {
		place Place
		layer func() app.Middleware
	}{
		{PlaceRequestID, func() app.Middleware { return RequestID(o.RequestID) }},
		{PlaceRequestLog, func() app.Middleware { return RequestLog(o.RequestLog) }},
		{PlaceHeaders, func() app.Middleware { return Headers(o.Headers) }},
		{PlaceCORS, o.cors},
		{PlaceThrottle, o.throttle},
		{PlaceCompress, func() app.Middleware { return Compress(o.Compress) }},
		{PlaceBodyLimit, func() app.Middleware { return BodyLimit(o.BodyLimit) }},
		{PlaceTimeout, o.timeout},
		{PlaceETag, func() app.Middleware { return ETag }},
	}
	if o.Counter != nil && o.Throttle == nil {
		panic("middleware: StandardOptions.Counter counts nothing without a Throttle")
	}
	var layers []app.Middleware
	replaced := maps.Clone(o.Replace)
	for _, s := range stack {
		layer, ok := replaced[s.place]
		delete(replaced, s.place)
		if !ok {
			layer = s.layer()
		}
		if layer != nil {
			layers = append(layers, layer)
		}
	}
	for place := range replaced {
		panic(fmt.Sprintf("middleware: StandardOptions.Replace: there is no place %q", place))
	}
	return app.Compose(layers...)
}

func (o *StandardOptions) cors() app.Middleware {
	if o.CORS == nil {
		return nil
	}
	return CORS(*o.CORS)
}

func (o *StandardOptions) throttle() app.Middleware {
	if o.Throttle == nil {
		return nil
	}
	counter := o.Counter
	if counter == nil {
		counter = throttle.NewMemory()
	}
	return Throttle(counter, *o.Throttle)
}

func (o *StandardOptions) timeout() app.Middleware {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	return Timeout(o.Timeout)
}
