package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// maxReply bounds what is read of one reply.
const maxReply = 64 << 20

// client sends requests to the function admin.
type client struct {
	app  *app
	base string
	id   *identity
	http *http.Client
}

// backoff is how often, and how soon, a request that changes nothing is sent again.
func backoff() retry.Backoff {
	return retry.WithMaxRetries(2, retry.WithJitterPercent(20, retry.NewExponential(300*time.Millisecond)))
}

func (a *app) client() (*client, error) {
	u, err := url.Parse(a.url)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" {
		return nil, usagef("%q is not a URL of the function admin; give one such as %s or https://emm.example.com/admin", a.url, defaultURL)
	}
	id, err := a.identity(u)
	if err != nil {
		return nil, err
	}
	return &client{app: a, base: strings.TrimSuffix(a.url, "/"), id: id, http: &http.Client{
		Transport: a.transport,
		// The proof of identity is for one address, so no redirect is followed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// get reads path, a few times if the server is busy for a moment.
func (c *client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var body []byte
	err := retry.Do(ctx, c.app.backoff(), func(ctx context.Context) (err error) {
		body, err = c.send(ctx, http.MethodGet, path, nil)
		if f := asFailure(err); err != nil && f.code == exitUnavailable && f.wait <= time.Second {
			return retry.RetryableError(err)
		}
		return err
	})
	return body, err
}

// change sends a request that changes something. It is never sent again: nobody
// knows what an attempt without an answer did.
func (c *client) change(ctx context.Context, method, path string, v any) ([]byte, error) {
	var body []byte
	if v != nil {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	return c.send(ctx, method, path, body)
}

func (c *client) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.app.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, failf(exitFailed, "%v", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.id.prove(ctx, req); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(method, err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, c.unreachable(method, err)
	case len(got) > maxReply:
		return nil, failf(exitFailed, "the server's reply is larger than %d bytes; ask for less with --limit", maxReply)
	case resp.StatusCode/100 != 2:
		return nil, c.refused(resp, got)
	}
	return got, nil
}

// unreachable says what to do about a request without an answer.
func (c *client) unreachable(method string, err error) error {
	var dns *net.DNSError
	var text string
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && strings.HasPrefix(c.base, "http:"):
		text = fmt.Sprintf("nothing listens at %s; start the server, or give its address with --url or ROLLCALL_URL", c.base)
	case errors.As(err, &dns):
		text = fmt.Sprintf("the host of %s is not known; check --url or ROLLCALL_URL", c.base)
	case errors.Is(err, context.DeadlineExceeded):
		text = fmt.Sprintf("%s did not answer within %v; try again, or give it longer with --timeout", c.base, c.app.timeout)
	default:
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		text = fmt.Sprintf("%s cannot be reached (%v); check --url and the network, then try again", c.base, err)
	}
	if method != http.MethodGet && !errors.Is(err, syscall.ECONNREFUSED) && dns == nil {
		text += "; it may have been done all the same, so look first"
	}
	return &failure{code: exitUnavailable, text: text}
}

// refused makes a failure of the server's problem.
func (c *client) refused(resp *http.Response, body []byte) error {
	f := &failure{code: codeOf(resp.StatusCode), fromServer: true}
	var p protocol.Problem
	if json.Unmarshal(body, &p) != nil || p.Status == 0 {
		// Not from Rollcall: a proxy, the platform's own check, or another server.
		f.text = fmt.Sprintf("%s answered %s, which is not a reply of Rollcall; check --url or ROLLCALL_URL", c.base, resp.Status)
		if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
			f.text = fmt.Sprintf("the platform in front of %s answered %s: your account may not invoke the function admin; ask for the role Cloud Run Invoker", c.base, resp.Status)
		}
		return f
	}
	f.text = p.Detail
	f.reason, _ = strings.CutPrefix(p.Type, "urn:rollcall:problem:")
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		f.text = c.id.advice()
	case f.text == "":
		f.text = "the server answered " + resp.Status
	case p.Field != "" && f.code == exitUsage:
		f.text = p.Field + ": " + f.text
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		f.wait = time.Duration(s) * time.Second
		f.text += fmt.Sprintf(" (the server asks to wait %v)", f.wait)
	}
	return f
}

// segment makes an id one segment of a path.
func segment(id string) string { return url.PathEscape(id) }
