package upstream

// Lane is a stable slot of a route, served by one link at a time.
type Lane struct{}

// Submit queues a share for the pool; false when the queue is full.
func (l *Lane) Submit(s Share) bool { return false }

// Latest returns what the lane's miners work on now.
func (l *Lane) Latest() Post { return Post{Lane: l} }
