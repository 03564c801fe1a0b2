package googletest

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// FaultOptions adjusts Faults; the zero value of each field means its default.
type FaultOptions struct {
	// Float64 returns a random number in [0, 1). It is called under a lock. The
	// default always returns 0, so that a Probability strikes every time: pass
	// a seeded source's method.
	Float64 func() float64
	// Sleep waits for a Latency or until ctx ends. The default uses a timer.
	Sleep func(ctx context.Context, d time.Duration)
}

// Count is a method with an HTTP status; 0 is a dropped connection.
type Count struct {
	Method string
	Status int
}

// Faults follows scripts and counts calls. It may be used concurrently.
type Faults struct {
	opt FaultOptions

	mu      sync.Mutex
	scripts []*Script
	counts  map[Count]int
}

// NewFaults returns Faults without scripts.
func NewFaults(opt FaultOptions) *Faults {
	if opt.Float64 == nil {
		opt.Float64 = func() float64 { return 0 }
	}
	if opt.Sleep == nil {
		opt.Sleep = func(ctx context.Context, d time.Duration) {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-ctx.Done():
			case <-t.C:
			}
		}
	}
	return &Faults{opt: opt, counts: map[Count]int{}}
}

// Add appends a script. The first script that strikes a call decides on it.
func (f *Faults) Add(s Script) {
	if s.Status == 0 {
		s.Status = http.StatusServiceUnavailable
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts = append(f.scripts, &s)
}

// Clear drops every script; the counts stay.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts = nil
}

// Calls returns how many calls of the method came, whatever became of them; "*"
// is all methods.
func (f *Faults) Calls(method string) int {
	n := 0
	for c, k := range f.Counts() {
		if method == "*" || c.Method == method {
			n += k
		}
	}
	return n
}

// Counts returns the number of calls by method and status.
func (f *Faults) Counts() map[Count]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

func (f *Faults) pick(method string) Script {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, s := range f.scripts {
		if s.Method != "*" && s.Method != method {
			continue
		}
		if s.Probability > 0 && f.opt.Float64() >= s.Probability {
			continue
		}
		if s.Skip > 0 {
			s.Skip--
			continue
		}
		if s.Times == 1 {
			f.scripts = append(f.scripts[:i:i], f.scripts[i+1:]...)
		} else if s.Times > 1 {
			s.Times--
		}
		return *s
	}
	return Script{}
}

func (f *Faults) count(method string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[Count{method, status}]++
}

// Pending returns how many scripts are still to strike, those without an end
// included.
func (f *Faults) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.scripts)
}

// Serve lets next answer the call, or fails it as the scripts say. A dropped
// connection is http.ErrAbortHandler, which net/http's server turns into one.
func (f *Faults) Serve(w http.ResponseWriter, r *http.Request, method string, next http.Handler) {
	s := f.pick(method)
	if s.Latency > 0 {
		f.opt.Sleep(r.Context(), s.Latency)
	}
	switch s.Mode {
	case DropBefore:
		f.count(method, 0)
		panic(http.ErrAbortHandler)
	case Refuse, HTML, Echo:
		f.count(method, s.Status)
		s.write(w, r)
		return
	}
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	if s.Mode == DropAfter {
		f.count(method, 0)
		panic(http.ErrAbortHandler)
	}
	if s.Mode == RefuseAfter {
		f.count(method, s.Status)
		s.write(w, r)
		return
	}
	f.count(method, rec.Code)
	body := rec.Body.Bytes()
	if s.Mode == Malformed {
		body = append([]byte(`{"`), body[:len(body)/2]...)
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	// The client may have gone; there is nobody to tell.
	_, _ = w.Write(body)
}
