package passwords

import "golang.org/x/sys/unix"

const (
	niceness = 10
	polite   = true
)

// giveWay makes the calling thread, which its goroutine must have locked, give way to all others
// (setpriority of Linux is about one thread). Failure costs others their turn, no more.
func giveWay() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) }

// whenIdle makes the calling thread run while a processor has nothing else to do.
func whenIdle() {
	giveWay() // where the kernel or a sandbox has no other priorities
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: niceness}, 0)
}
