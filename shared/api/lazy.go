package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Lazy returns a handler that makes the real one at its first request, so that
// nothing is dialled while the process starts. A failed attempt is answered as an
// error and tried again at the next request, also one that panicked; only one
// attempt runs at a time.
func Lazy(log *slog.Logger, open func(context.Context) (http.Handler, error)) http.Handler {
	var mu sync.Mutex
	var ready http.Handler
	get := func(ctx context.Context) (http.Handler, error) {
		mu.Lock()
		defer mu.Unlock()
		if ready != nil {
			return ready, nil
		}
		var h http.Handler
		err := guard(func() (err error) {
			// The clients outlive the request that first needed them.
			h, err = open(context.WithoutCancel(ctx))
			return err
		})
		if err == nil {
			ready = h
		}
		return h, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := get(r.Context())
		if err != nil {
			log.LogAttrs(r.Context(), slog.LevelError, "set-up failed", slog.String("error", err.Error()))
			err = fault.Wrap(err, fault.Transient, "not-ready",
				"This function is not ready; the operator finds the cause in its log.").After(10 * time.Second)
			keepPrivate(w.Header())
			writeProblem(w, err, "", Edge{}.refusal(), time.Now())
			return
		}
		h.ServeHTTP(w, r)
	})
}
