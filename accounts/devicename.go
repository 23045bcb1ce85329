package accounts

import "strings"

// deviceName makes of a User-Agent a name that a device can have: anybody can send anything.
func deviceName(agent string) string {
	agent = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, agent)
	return agent[:min(len(agent), 200)]
}
