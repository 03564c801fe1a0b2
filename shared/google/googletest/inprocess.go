package googletest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// InProcess returns a transport that has each request served by the handler of its
// host, without a socket, so that synctest may pass the time. A handler that panics
// with http.ErrAbortHandler drops the connection; a host without one is not reached.
func InProcess(hosts map[string]http.Handler) http.RoundTripper { return inProcess(hosts) }

type inProcess map[string]http.Handler

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	h := p[r.URL.Host]
	if h == nil {
		return nil, fmt.Errorf("no handler of %s", r.URL.Host)
	}
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, io.ErrUnexpectedEOF
		default:
			panic(v)
		}
	}()
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	h.ServeHTTP(rec, in)
	return rec.Result(), nil
}
