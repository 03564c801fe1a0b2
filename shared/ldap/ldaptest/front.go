package ldaptest

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jimlambrt/gldap"
	"github.com/sethvargo/go-retry"
)

// run starts a server on a free loopback port and returns where once it answers.
func run(srv *gldap.Server, closed <-chan int) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address = l.Addr().String()
	if err := l.Close(); err != nil {
		return "", err
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Run(address) }()
	// gldap does not say when it listens.
	pace := retry.WithMaxDuration(10*time.Second, retry.NewConstant(time.Millisecond))
	err = retry.Do(context.Background(), pace, func(context.Context) error {
		select {
		case err := <-failed:
			return err
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return retry.RetryableError(err)
		}
		return conn.Close()
	})
	if err != nil {
		return "", err
	}
	// Another program may have taken the port: only our server reports the end of its
	// first connection.
	select {
	case err := <-failed:
		return "", err
	case <-closed:
		return address, nil
	}
}

// backend is gldap's listener. gldap numbers its connections in the order in which
// it accepts them, and nobody else connects to it, so the number of each is known.
type backend struct {
	address string
	count   *counters
	// quit ends the goroutine that waits for connections to end, and done says that
	// it has ended.
	quit, done chan struct{}

	mu    sync.Mutex
	last  int
	pairs map[int]*pair
	ended bool
}

func newBackend(address string, closed <-chan int, forget func(int), count *counters) *backend {
	// run made connection 1.
	b := &backend{address: address, count: count, last: 1, pairs: map[int]*pair{}, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(b.done)
		for {
			select {
			case id := <-closed:
				forget(id)
				if b.gone(id) {
					return
				}
			case <-b.quit:
				return
			}
		}
	}()
	return b
}

// gone reports whether id was the last connection of a backend that takes no more.
func (b *backend) gone(id int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pairs, id)
	return b.ended && len(b.pairs) == 0
}

// open connects to gldap.
func (b *backend) open(client net.Conn) (*pair, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return nil, net.ErrClosed
	}
	conn, err := net.Dial("tcp", b.address)
	if err != nil {
		return nil, err
	}
	b.last++
	p := &pair{client: client, server: conn}
	b.pairs[b.last] = p
	return p, nil
}

// cut ends a connection without an answer.
func (b *backend) cut(id int) {
	b.mu.Lock()
	p := b.pairs[id]
	b.mu.Unlock()
	if p != nil {
		p.close()
	}
}

// close ends all connections and returns when gldap has let go of them.
func (b *backend) close() {
	b.mu.Lock()
	b.ended = true
	open := len(b.pairs)
	for _, p := range b.pairs {
		p.close()
	}
	b.mu.Unlock()
	if open == 0 {
		close(b.quit)
	}
	<-b.done
}

// pair is a client's connection and its continuation to gldap.
type pair struct{ client, server net.Conn }

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// front listens for clients.
type front struct {
	listener net.Listener
	backend  *backend
	wg       sync.WaitGroup
}

func newFront(l net.Listener, b *backend) *front {
	f := &front{listener: l, backend: b}
	f.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p, err := b.open(conn)
			if err != nil {
				_ = conn.Close()
				return
			}
			b.count.connections.Add(1)
			go p.copy(p.server, counted{p.client, &b.count.in})
			go p.copy(counted{p.client, &b.count.out}, p.server)
		}
	})
	return f
}

func (f *front) close() {
	_ = f.listener.Close()
	f.wg.Wait()
}

// copy ends both connections when one ends.
func (p *pair) copy(to io.Writer, from io.Reader) {
	_, _ = io.Copy(to, from)
	p.close()
}
