package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
)

// Exchange is one try of one call, for Options.Observe. It holds no secret.
type Exchange struct {
	Endpoint Endpoint
	// Try counts from 1.
	Try int
	// Status is the reply's HTTP status; 0 if no whole reply came.
	Status int
	// Reason is the problem's reason word, or "".
	Reason string
	// Err is nil if the call succeeded; it is safe to log.
	Err error
	// Latency is from the start of sending to the end of the reply.
	Latency time.Duration
}

// Lost says that no whole reply came: the server may have done what was asked, or
// may not have been reached. It unwraps to the context's error if that is why.
type Lost struct {
	Endpoint Endpoint
	// Timeout says that the try took too long.
	Timeout bool

	text string
	err  error
}

// Error tells the cause, without the request's secrets.
func (l *Lost) Error() string { return fmt.Sprintf("%s: no reply: %s", l.Endpoint, l.text) }

// Unwrap returns context.Canceled, context.DeadlineExceeded or nil. The cause
// itself stays hidden, because it may quote what the server sent.
func (l *Lost) Unwrap() error { return l.err }

func lost(c *call, err error) *Lost {
	l := &Lost{Endpoint: c.endpoint, text: clip(scrub(cause(err), c.hide), 300)}
	for _, e := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			l.err = e
		}
	}
	var t interface{ Timeout() bool }
	l.Timeout = errors.As(err, &t) && t.Timeout()
	return l
}

// cause tells why a connection failed. Where a reply came that is no HTTP, net/http
// quotes it, in parts and in its own way, and a server that echoes would have the agent
// log its own request.
func cause(err error) string {
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &op), errors.As(err, &certificate), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return err.Error()
	}
	return "the reply is no HTTP, or the connection failed"
}

// maxReply is the largest reply that is read, in bytes; real ones have less than
// 10 KiB.
const maxReply = 64 << 10

// try makes one request with a new proof and reads its reply.
func (c *Client) try(ctx context.Context, k *call) (status int, err error) {
	jwt, err := c.signer.Sign(http.MethodPost, k.url, k.raw)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", k.endpoint, err)
	}
	hidden := *k
	hidden.hide = append([]string{jwt}, k.hide...)
	k = &hidden
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.url, bytes.NewReader(k.raw))
	if err != nil {
		return 0, lost(k, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(proof.Header, jwt)
	clock := c.clock()
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, lost(k, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return 0, lost(k, err)
	}
	switch {
	case len(body) > maxReply:
		err = fault.New(fault.TooLarge, "reply", "%s: the reply has more than %d bytes", k.endpoint, maxReply)
	case resp.StatusCode/100 != 2:
		err = newProblem(k, resp, body, clock, c.opts.Now())
	case mediaType(resp) != "application/json":
		err = unreadable(k.endpoint)
	case k.read(body) != nil:
		err = unreadable(k.endpoint)
	}
	return resp.StatusCode, err
}

// unreadable has no text of the reply's: a server that echoes would have the
// agent log its own request.
func unreadable(e Endpoint) error {
	return fault.New(fault.Invalid, "reply", "%s: the reply is not what the protocol says", e)
}

func mediaType(r *http.Response) string {
	mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mt
}

// trusted reports whether nobody between the server and the device can have
// written the reply.
func trusted(r *http.Response) bool {
	return r.TLS != nil || r.Request != nil && loopback(r.Request.URL.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
