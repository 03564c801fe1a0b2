package functions_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// strangers counts the records of enrollments with an unknown token or enterprise.
func (h *hostile) strangers() int {
	return len(h.dump(nil)) - len(h.dump(strangers))
}

// strangersAtMost is the bound of such records since a moment: a hundred, and one
// for each second, for each process; and one for good measure.
func strangersAtMost(since time.Time) int { return 100 + int(time.Since(since).Seconds()) + 1 }

// TestHostileStrangers_E4_CannotFillTheTrail is the bound by itself.
func TestHostileStrangers_E4_CannotFillTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	h := &hostile{world: w}
	began := time.Now()
	start := w.dump(strangers)
	for range 400 {
		p := newPhone(t)
		if got := w.serve(w.request(p, "enroll", p.enrollment(strings.Repeat("n", 43)))); got.status != http.StatusUnauthorized {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if n, most := h.strangers(), strangersAtMost(began); n > most || n < 100 {
		t.Errorf("strangers left %d records, want 100 to %d", n, most)
	}
	if keys := changed(start, w.dump(strangers)); len(keys) > 0 {
		t.Errorf("they also stored %v", keys)
	}
}
