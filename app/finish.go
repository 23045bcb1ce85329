package app

// OnFinish calls f when the request is over: the answer was written, or its connection cut. What
// was registered last is called first. Layers that log or measure use it, since the answer is
// written after they have returned; Status then says what was sent.
func (c *Context) OnFinish(f func()) { c.self.finishers = append(c.self.finishers, f) }

// finish calls each though one panics, which is reported unless it cuts the connection.
func (c *Context) finish() {
	last := len(c.finishers) - 1
	if last < 0 {
		return
	}
	f := c.finishers[last]
	c.finishers = c.finishers[:last]
	defer c.finish()
	if err := c.protect(func(*Context) error { f(); return nil }); err != nil {
		c.report(err)
	}
}

// Known returns who is known to have sent the request so far, or nil. It asks nobody, so it is for
// logs and never for guards: use [Context.Identity] there.
func (c *Context) Known() *Identity {
	if c.identity != nil || c.proven || len(c.kinds) == 0 {
		return c.identity
	}
	return c.kinds[0].identity
}
