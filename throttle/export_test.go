package throttle

// Bound makes the counter keep that many keys at most.
func (m *Memory) Bound(most int) { m.most = most }

// Len is how many keys are kept.
func (m *Memory) Len() int { return len(m.windows) }

// Consistent reports whether the queues hold what the map holds, each window where it says it is.
func (m *Memory) Consistent() bool {
	for _, q := range []queue{m.ends, m.counts} {
		if len(q.windows) != len(m.windows) {
			return false
		}
		for i, w := range q.windows {
			if w.places[q.number] != i || m.windows[w.key] != w || i > 0 && q.before(w, q.windows[(i-1)/2]) {
				return false
			}
		}
	}
	return true
}
