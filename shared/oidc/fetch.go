package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/time/rate"
)

// maxDocument bounds what is read of a provider's document, in bytes; real ones have
// less than 20 KiB.
const maxDocument = 1 << 20

// trouble is why a document could not be had. It holds nothing that a provider sent.
type trouble struct {
	text string
	busy bool // it was not asked for
	err  error
}

func (t *trouble) Error() string { return t.text }
func (t *trouble) Unwrap() error { return t.err }

// fetcher reads a provider's documents: bounded, as JSON, from safe addresses, and the
// keys not without end, for a token with a key that does not exist costs a fetch.
type fetcher struct {
	next  http.RoundTripper
	limit *rate.Limiter // nil for none
}

// RoundTrip implements http.RoundTripper.
func (f fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkURL(r.URL.String()); err != nil {
		return nil, &trouble{text: "the identity provider names an address that is not safe", err: err}
	}
	if f.limit != nil && !f.limit.Allow() {
		return nil, &trouble{text: "the identity provider's keys were fetched too often", busy: true}
	}
	resp, err := f.next.RoundTrip(r)
	if err != nil {
		return nil, &trouble{text: "the identity provider does not answer", err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, &trouble{text: fmt.Sprintf("the identity provider answers %d", resp.StatusCode)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, &trouble{text: "the identity provider's answer ended early", err: err}
	case len(body) > maxDocument:
		return nil, &trouble{text: "the identity provider's answer is too large"}
	case !json.Valid(body):
		return nil, &trouble{text: "the identity provider's answer is not JSON"}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// checkURL takes https, and http to this very machine.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("a URL without user, query and fragment is wanted")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("an https URL is wanted")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
