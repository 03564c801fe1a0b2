package functions_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestHostileRequests_C1E4_OverSockets sends what only a socket can carry: bodies
// that end early, lengths that lie, headers without end.
func TestHostileRequests_C1E4_OverSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	h := newHostile(t, w)
	l := newLedger(t)
	start := w.dump(strangers)
	for _, tc := range []struct {
		name   string
		status []int
		// wire returns the request's head behind the request line, and its body.
		wire func(r request) (head, body string)
	}{
		{"body cut short", []int{400}, func(r request) (string, string) {
			return length(len(r.body)), string(r.body[:h.dice.IntN(len(r.body))])
		}},
		{"length too great", []int{400}, func(r request) (string, string) {
			return length(len(r.body) + 1 + h.dice.IntN(protocol.MaxBody/2)), string(r.body)
		}},
		{"length over the bound", []int{413}, func(r request) (string, string) { return length(64<<10 + 1 + h.dice.IntN(1<<40)), string(r.body) }},
		{"length too small", []int{401}, func(r request) (string, string) { return length(h.dice.IntN(len(r.body))), string(r.body) }},
		{"length that is none", []int{400}, func(request) (string, string) {
			return "Content-Length: " + pick(h, []string{"-1", "1e3", "99999999999999999999", "0x10", "1 2"}) + "\r\n", ""
		}},
		{"two lengths", []int{400}, func(r request) (string, string) {
			return length(len(r.body)) + length(len(r.body)+1), ""
		}},
		{"no length", []int{401}, func(r request) (string, string) { return "", string(r.body) }},
		{"chunks cut short", []int{400}, func(r request) (string, string) {
			return "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(r.body), r.body)
		}},
		{"chunks that are none", []int{400}, func(r request) (string, string) {
			return "Transfer-Encoding: chunked\r\n", "zz\r\n" + string(r.body)
		}},
		{"chunks over the bound", []int{413}, func(request) (string, string) {
			return "Transfer-Encoding: chunked\r\n", strings.Repeat("1000\r\n"+strings.Repeat(" ", 4096)+"\r\n", 20) + "0\r\n\r\n"
		}},
		{"an unknown transfer encoding", []int{400, 501}, func(request) (string, string) { return "Transfer-Encoding: gzip\r\n", "" }},
		// The server stops reading, so its answer may be lost with the connection.
		{"a header without end", []int{431, lostReply}, func(r request) (string, string) {
			return length(len(r.body)) + "X-Long: " + strings.Repeat("x", 2<<20) + "\r\n", ""
		}},
		{"a header with controls", []int{400}, func(r request) (string, string) {
			return length(len(r.body)) + "X-Bad: a\x00b\r\n", ""
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 12 {
				r := h.request(h.devices[0], pick(h, functionNames), h.good("checkin"))
				head, body := tc.wire(r)
				got, problem := w.raw(t, r, head, body)
				if !slices.Contains(tc.status, got.status) {
					t.Fatalf("%d %s, want %v", got.status, got.body, tc.status)
				}
				// What net/http refuses by itself never reaches a function.
				if problem {
					l.check(t, r.function, got)
				}
				h.discreet(tc.name, r, got)
			}
		})
	}
	if keys := changed(start, w.dump(strangers)); len(keys) > 0 {
		t.Errorf("stored %v", keys)
	}
	if l.seen["checkin 400"] == 0 || l.seen["enroll 400"] == 0 || l.seen["token 400"] == 0 {
		t.Errorf("no function saw a body that ended early: %v", l.seen)
	}
}

// lostReply is the status of a connection that ended without a reply.
const lostReply = 0

func length(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }

// raw writes a request by hand and closes its side, and reports whether the reply
// is a function's.
func (w *world) raw(t *testing.T, r request, head, body string) (reply, bool) {
	t.Helper()
	host := strings.TrimPrefix(w.stack.URL, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nDPoP: %s\r\n%s\r\n%s",
		r.function, host, r.proofs[0], head, body)
	// The server may answer and close before it has read all.
	_, _ = conn.Write(b.Bytes())
	_ = conn.(*net.TCPConn).CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return reply{status: lostReply}, false
	}
	defer func() { _ = resp.Body.Close() }()
	problem := resp.Header.Get("Content-Type") == "application/problem+json"
	text, err := io.ReadAll(resp.Body)
	if err != nil && problem {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, text}, problem
}
