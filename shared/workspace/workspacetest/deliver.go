package workspacetest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// message is one notification to post.
type message struct {
	address string
	header  http.Header
	body    []byte
}

// postOffice delivers notifications. Each channel has a queue of its own, in
// order; channels do not wait for each other.
type postOffice struct {
	ctx context.Context //nolint:containedctx // the server's life
	opt Options
	wg  sync.WaitGroup

	mu        sync.Mutex
	waiting   int           // messages neither delivered nor lost
	idle      chan struct{} // closed when waiting is 0
	delivered int
	lost      int
}

func newPostOffice(ctx context.Context, opt Options) *postOffice {
	idle := make(chan struct{})
	close(idle)
	return &postOffice{ctx: ctx, opt: opt, idle: idle}
}

// queue is the messages of a channel; a goroutine runs while there are any.
type queue struct {
	office   *postOffice
	mu       sync.Mutex
	messages []message
	running  bool
}

func (p *postOffice) queue() *queue { return &queue{office: p} }

func (q *queue) put(m message) {
	q.office.begin()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, m)
	if !q.running {
		q.running = true
		q.office.wg.Go(q.run)
	}
}

func (q *queue) run() {
	for {
		q.mu.Lock()
		if len(q.messages) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		m := q.messages[0]
		q.messages = q.messages[1:]
		q.mu.Unlock()
		q.office.end(q.office.deliver(m))
	}
}

// deliver posts until the receiver takes the message. Of the refusals Google
// repeats 500, 502, 503 and 504 and drops all others.
func (p *postOffice) deliver(m message) bool {
	for try := 0; try < p.opt.CallbackTries; try++ {
		if try > 0 {
			p.opt.Sleep(p.ctx, time.Second<<(try-1))
		}
		switch status := p.send(m); status {
		case 102, 200, 201, 202, 204:
			return true
		case 0, 500, 502, 503, 504:
		default:
			return false
		}
	}
	return false
}

// send returns the status, or 0 where there was no answer.
func (p *postOffice) send(m message) int {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, m.address, bytes.NewReader(m.body))
	if err != nil {
		return 0
	}
	req.Header = m.header.Clone()
	req.Header.Set("User-Agent", "APIs-Google")
	resp, err := p.opt.Callback.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	// The body says nothing to Google.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode
}

func (p *postOffice) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == 0 {
		p.idle = make(chan struct{})
	}
	p.waiting++
}

func (p *postOffice) end(ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		p.delivered++
	} else {
		p.lost++
	}
	if p.waiting--; p.waiting == 0 {
		close(p.idle)
	}
}

func (p *postOffice) wait() { p.wg.Wait() }

// Drain waits until every notification so far is delivered or lost, and returns
// how many were since the start.
func (s *Server) Drain(ctx context.Context) (delivered, lost int, err error) {
	s.post.mu.Lock()
	idle := s.post.idle
	s.post.mu.Unlock()
	select {
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case <-idle:
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.delivered, s.post.lost, nil
}
