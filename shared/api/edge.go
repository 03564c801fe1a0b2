// Package api is the HTTP edge that every function shares: bounded and strict
// decoding, RFC 9457 problems, one log line and one set of figures for each
// request, and making a function's clients at its first request.
package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Served is what is known of one request once it was answered.
type Served struct {
	Function string
	Status   int
	Duration time.Duration
	// Reads, Writes and Reruns are the request's store operations.
	Reads, Writes, Reruns int64
	// Who is the device or admin that was proven; empty if none was.
	Who string
	// Reason is the refusal's reason word, empty for 2xx.
	Reason string
}

// Edge turns handlers that return errors into http.Handlers. Its fields are not
// changed once it serves; it may be used concurrently.
type Edge struct {
	// Function is the function's name, for logs.
	Function string
	// Log receives one line for each request; required.
	Log *slog.Logger
	// Now is the clock; required.
	Now func() time.Time
	// Unauthorized is the text of every 401, and Challenge its WWW-Authenticate (RFC
	// 9110, section 11.6.1); the defaults are for devices.
	Unauthorized, Challenge string
	// Observe, if set, receives the figures of each request.
	Observe func(Served)
}

type state struct{ who string }

type stateKey struct{}

// Identify notes who a request turned out to be from, for its log line.
func Identify(ctx context.Context, who string) {
	if s, ok := ctx.Value(stateKey{}).(*state); ok {
		s.who = who
	}
}

// Handle returns a handler that runs fn and answers with a problem if it fails,
// also when it panics. fn must not have begun to answer when it returns an error.
func (e Edge) Handle(fn func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := e.Now()
		s := &state{}
		ctx, ops := store.WithOps(context.WithValue(r.Context(), stateKey{}, s))
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		keepPrivate(w.Header())

		err := guard(func() error { return fn(rec, r.WithContext(ctx)) })
		id := ""
		if err != nil {
			if Status(err) >= http.StatusInternalServerError {
				id = newRequestID()
			}
			writeProblem(rec, err, id, e.refusal(), e.Now())
		}
		served := Served{
			Function: e.Function, Status: rec.status, Duration: e.Now().Sub(began), Who: s.who,
			Reads: ops.Reads.Load(), Writes: ops.Writes.Load(), Reruns: ops.Reruns.Load(),
		}
		if err != nil {
			if served.Reason = fault.ReasonOf(err); served.Reason == "" {
				served.Reason = fault.KindOf(err).String()
			}
		}
		e.log(r.Context(), served, id, err)
		if e.Observe != nil {
			e.Observe(served)
		}
	})
}

// keepPrivate keeps a reply out of caches and from being taken for another type.
func keepPrivate(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (e Edge) refusal() refusal {
	return refusal{text: cmp.Or(e.Unauthorized, unauthorized), challenge: cmp.Or(e.Challenge, challenge)}
}

func (e Edge) log(ctx context.Context, s Served, id string, err error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("function", s.Function), slog.Int("status", s.Status),
		slog.Float64("duration_ms", float64(s.Duration.Microseconds())/1000), slog.Int64("store_reads", s.Reads),
		slog.Int64("store_writes", s.Writes), slog.Int64("store_reruns", s.Reruns),
	}
	if s.Who != "" {
		attrs = append(attrs, slog.String("who", s.Who))
	}
	if err != nil {
		attrs = append(attrs, slog.String("reason", s.Reason), slog.String("error", err.Error()))
		if s.Status >= http.StatusInternalServerError {
			level = slog.LevelError
			attrs = append(attrs, slog.String("request_id", id))
		}
	}
	e.Log.LogAttrs(ctx, level, "request", attrs...)
}

// guard turns a panic into an error, so that one request cannot end the process.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			// The value may hold anything, a secret too; the runtime's own texts do not.
			what := fmt.Sprintf("%T", p)
			if r, ok := p.(runtime.Error); ok {
				what = r.Error()
			}
			err = fmt.Errorf("panic: %s\n%s", what, debug.Stack())
		}
	}()
	return fn()
}

func newRequestID() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
