package app

// A Key keeps values of one type in requests: what a layer finds out, typed, for those
// below. Keys are made once, as package variables, with [NewKey].
type Key[T any] struct{ name string }

// NewKey returns a key of its own: two keys never share a value, though their names are the
// same. The name is what String returns, for logs. NewKey panics without one.
//
//	var tenant = app.NewKey[*Tenant]("tenant")
func NewKey[T any](name string) *Key[T] {
	if name == "" {
		panic("app: NewKey needs a name")
	}
	return &Key[T]{name}
}

// String returns the name of the key, never a value.
func (k *Key[T]) String() string { return k.name }

// Set keeps v for the rest of the request, in place of what was there.
func (k *Key[T]) Set(ctx *Context, v T) { ctx.SetValue(k, v) }

// Get returns the value of this request, and whether one was set.
func (k *Key[T]) Get(ctx *Context) (T, bool) {
	v, ok := ctx.Value(k).(T)
	if !ok { // T may be an interface, and the value nil
		_, ok = ctx.values[k]
	}
	return v, ok
}
