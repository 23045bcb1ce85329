package strategies

// With returns a copy of b with the options that change sets, of the same store and users; it
// panics as [NewBearer] does. Tests use it to issue tokens that b refuses, such as those of
// another time or Type. That of an [APIKey] is the Bearer in it, which issues alike and reads
// the Authorization header.
func (b *Bearer) With(change func(o *BearerOptions)) *Bearer {
	o := b.o
	change(&o)
	o.setDefaults("BearerOptions")
	return newBearer(b.store, b.users, o, b.kind)
}
