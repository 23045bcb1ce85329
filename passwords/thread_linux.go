package passwords

import "syscall"

// background makes the calling thread, which its goroutine must have locked, give way to all
// others (setpriority of Linux is about one thread). Failure costs others their turn, no more.
func background() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness) }

const (
	niceness = 10
	polite   = true
)
