package functions_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var serverTime = regexp.MustCompile(`"serverTime":[0-9]+`)

// uniform is a refusal without the one thing in which refusals differ.
func uniform(r reply) string { return serverTime.ReplaceAllString(string(r.body), `"serverTime":0`) }

// changes returns one request for each function that changes the state, and a
// device for which each is good, one after the other.
func (w *world) changes() []request {
	w.t.Helper()
	p := newPhone(w.t)
	out := []request{w.request(p, "enroll", p.enrollment(w.admit("")))}
	w.ok(out[0])
	out = append(out, w.request(p, "token", map[string]any{"directiveId": w.directive(p)}))
	w.ok(out[1])
	out = append(out, w.request(p, "checkin", map[string]any{
		"accounts": []any{map[string]any{"name": "somebody else's", "state": "ready"}}, "androidId": "1f",
	}))
	w.ok(out[2])
	return out
}

func (w *world) ok(r request) {
	w.t.Helper()
	before := w.dump(nil)
	if got := w.send(r); got.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", r.function, got.status, got.body)
	}
	if len(changed(before, w.dump(nil))) == 0 {
		w.t.Fatalf("%s changed nothing, so it is no test", r.function)
	}
}

func TestReplay_C1_AChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	calls := w.changes()
	before := w.dump(nil)
	var first string
	for _, r := range calls {
		for range 3 {
			got := w.send(r)
			if got.status != http.StatusUnauthorized {
				t.Errorf("%s again: %d %s", r.function, got.status, got.body)
			}
			if first == "" {
				first = uniform(got)
			}
			if diff := cmp.Diff(first, uniform(got)); diff != "" {
				t.Errorf("%s again is refused in its own way (-first +this):\n%s", r.function, diff)
			}
		}
	}
	if keys := changed(before, w.dump(nil)); len(keys) > 0 {
		t.Errorf("requests sent again changed %v", keys)
	}
}

func TestReplay_C1_AProofIsForOneEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := w.enrolled(w.admit(""))
	bodies := map[string]any{
		"enroll": p.enrollment(w.admit("")), "checkin": map[string]any{"accounts": []any{}, "androidId": "2f"},
		"token": map[string]any{"directiveId": w.directive(p)},
	}
	before := w.dump(nil)
	for _, from := range functionNames {
		for _, to := range functionNames {
			// Proof and body of one function at another, and the proof with the
			// body that the other expects.
			for _, body := range []any{bodies[from], bodies[to]} {
				r := w.request(p, to, body)
				r.proofs = []string{w.prove(p, "POST", w.url(from), r.body, 0)}
				if from == to {
					continue
				}
				if got := w.send(r); got.status != http.StatusUnauthorized {
					t.Errorf("the proof of %s at %s: %d %s", from, to, got.status, got.body)
				}
			}
		}
	}
	if keys := changed(before, w.dump(nil)); len(keys) > 0 {
		t.Errorf("proofs at other endpoints changed %v", keys)
	}
}

// TestReplay_C1_AnEarlierReportCannotUndoALaterOne holds back a report that would
// change nothing in its time, and sends it once a later one changed the state.
func TestReplay_C1_AnEarlierReportCannotUndoALaterOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := w.enrolled(w.admit(""))
	earlier := w.request(p, "checkin", map[string]any{"accounts": []any{}})
	earlier.proofs = []string{w.prove(p, "POST", w.url("checkin"), earlier.body, -2*time.Second)}
	w.ok(w.request(p, "checkin", map[string]any{"accounts": []any{map[string]any{"name": "a", "state": "ready"}}}))
	before := w.dump(nil)
	if got := w.send(earlier); got.status != http.StatusUnauthorized {
		t.Errorf("%d %s", got.status, got.body)
	}
	if keys := changed(before, w.dump(nil)); len(keys) > 0 {
		t.Errorf("it changed %v", keys)
	}
}
