package throttle

import "crypto/sha256"

// window is the count of one key in a [Memory].
type window struct {
	key      [sha256.Size]byte
	n, until int64
	places   [2]int // in each of the two queues
}

// queue is a heap of windows, for container/heap. Each window knows its place, so that it can be moved when its count changes.
type queue struct {
	windows []*window
	number  int // which of the window's places is the one here
	before  func(a, b *window) bool
}

func (q *queue) Len() int           { return len(q.windows) }
func (q *queue) Less(i, j int) bool { return q.before(q.windows[i], q.windows[j]) }

func (q *queue) Swap(i, j int) {
	q.windows[i], q.windows[j] = q.windows[j], q.windows[i]
	q.windows[i].places[q.number], q.windows[j].places[q.number] = i, j
}

func (q *queue) Push(x any) {
	w := x.(*window)
	w.places[q.number] = len(q.windows)
	q.windows = append(q.windows, w)
}

func (q *queue) Pop() any {
	last := len(q.windows) - 1
	w := q.windows[last]
	q.windows[last] = nil // let it be collected
	q.windows = q.windows[:last]
	return w
}
