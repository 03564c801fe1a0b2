package functions_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
)

// wire is one connection that is kept for many requests, one after the other:
// half the work of http.Client, which matters ten thousand times.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
}

// serve sends the request over the world's one connection; it must not be called
// concurrently.
func (w *world) serve(r request) reply {
	w.t.Helper()
	got, err := w.exchange(r)
	if err != nil {
		// The server closes a connection whose request it did not read to the end.
		w.wire.conn = nil
		if got, err = w.exchange(r); err != nil {
			w.t.Fatal(err)
		}
	}
	return got
}

func (w *world) exchange(r request) (reply, error) {
	if w.wire.conn == nil {
		conn, err := (&net.Dialer{}).DialContext(w.t.Context(), "tcp", strings.TrimPrefix(w.stack.URL, "http://"))
		if err != nil {
			return reply{}, err
		}
		w.t.Cleanup(func() { _ = conn.Close() })
		w.wire = wire{conn, bufio.NewReader(conn)}
	}
	req := w.build(r)
	if err := req.Write(w.wire.conn); err != nil {
		return reply{}, err
	}
	resp, err := http.ReadResponse(w.wire.r, req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if resp.Close {
		_ = w.wire.conn.Close()
		w.wire.conn = nil
	}
	return reply{resp.StatusCode, resp.Header, body}, err
}
