package imap

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// maxReplies is how much a server may send during a check, in bytes, TLS included:
// go-imap itself reads lines of any length.
const maxReplies = 256 << 10

var errTooMuch = errors.New("the server sends too much")

// wire is the connection below TLS. It bounds what is read and remembers whether it
// was lost, for go-imap flattens the errors of reading to text.
type wire struct {
	net.Conn
	read atomic.Int64
	lost atomic.Bool
}

// Read reads up to maxReplies bytes in all.
func (w *wire) Read(p []byte) (int, error) {
	if w.read.Load() >= maxReplies {
		return 0, errTooMuch
	}
	n, err := w.Conn.Read(p)
	w.read.Add(int64(n))
	if err != nil {
		w.lost.Store(true)
	}
	return n, err
}

// cut reports whether a session failed with err because the connection was lost.
// io.ErrUnexpectedEOF is what go-imap says of commands that were never answered.
func (w *wire) cut(err error) bool {
	var alert tls.AlertError
	var network *net.OpError
	return w.lost.Load() || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) && !errors.As(err, &alert)
}

// emptyLine sends an empty response as an empty line (RFC 9051, section 6.2.2), which
// XOAUTH2 has after a refusal. go-imap sends "=", RFC 4959's word for an empty initial
// response, and servers answer that with a complaint about base64 instead of saying
// more of the refusal.
type emptyLine struct{ net.Conn }

// Write writes p, which go-imap flushes at the end of a response.
func (c emptyLine) Write(p []byte) (int, error) {
	if string(p) != "=\r\n" {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[1:])
	return n + 1, err
}
