//go:build !linux

package passwords

func giveWay()  {}
func whenIdle() {}

const polite = false
