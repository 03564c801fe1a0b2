package ldaptest

import (
	"net"
	"sync/atomic"
)

// Counters is what a Server did since it started.
type Counters struct {
	Connections, Binds, RefusedBinds int64
	// Searches counts search requests, each page being one; Pages counts those
	// that asked for a page, and Entries what was given.
	Searches, Pages, Entries int64
	// BytesIn and BytesOut are those of connections without TLS, and what TLS
	// carries on those of SecureURL.
	BytesIn, BytesOut int64
}

type counters struct {
	connections, binds, refused, searches, pages, entries, in, out atomic.Int64
}

// Counters returns the present numbers.
func (s *Server) Counters() Counters {
	c := &s.count
	return Counters{
		Connections: c.connections.Load(), Binds: c.binds.Load(), RefusedBinds: c.refused.Load(),
		Searches: c.searches.Load(), Pages: c.pages.Load(), Entries: c.entries.Load(),
		BytesIn: c.in.Load(), BytesOut: c.out.Load(),
	}
}

// counted adds up what passes in either direction.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}
