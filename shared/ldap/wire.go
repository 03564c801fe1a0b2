package ldap

import (
	"net"
	"sync"
	"time"
)

// wire is a connection that may be silent for timeout while an answer is awaited,
// and for as long as it likes in between: the caller may take its time with a
// page. go-ldap's own timeout bounds a whole answer, and an answer may be a whole
// directory.
type wire struct {
	net.Conn
	timeout time.Duration

	mu      sync.Mutex
	waiting bool
	dead    bool
}

// Read waits for at most the timeout while an answer is awaited.
func (w *wire) Read(b []byte) (int, error) {
	w.set(func() {})
	return w.Conn.Read(b)
}

// begin says that an answer is awaited from now on, and end that none is.
func (w *wire) begin() { w.set(func() { w.waiting = true }) }
func (w *wire) end()   { w.set(func() { w.waiting = false }) }

// cut ends all reading and writing for good.
func (w *wire) cut() { w.set(func() { w.dead = true }) }

// set changes the state and makes the deadlines follow it. An error means that the
// connection is closed, which the next use will say.
func (w *wire) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	switch {
	case w.dead:
		_ = w.SetDeadline(past)
	case w.waiting:
		_ = w.SetDeadline(time.Now().Add(w.timeout))
	default:
		_ = w.SetDeadline(time.Time{})
	}
}
