//go:build !linux

package passwords

func background() {}

const polite = false
