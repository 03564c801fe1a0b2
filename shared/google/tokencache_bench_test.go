package google

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// BenchmarkTokenCache100000 measures what 100,000 people's tokens take, of the
// length of a person's and of the longest, and fails where that is over 128 MiB or
// one of them is not kept.
func BenchmarkTokenCache100000(b *testing.B) {
	const people = 100_000
	for _, size := range []int{220, 1024} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			pad, scopes := strings.Repeat("x", size-16), NewScopes("https://mail.google.com/")
			for b.Loop() {
				before := heap()
				t := NewTokens(TokenOptions{})
				for i := range people {
					t.keep(tokenKey{1, scopes, fmt.Sprintf("first.last%06d@example.com", i)}, AccessToken{
						Value: secret.New(fmt.Sprintf("%s%016d", pad, i)), Expiry: time.Now().Add(time.Hour),
					}, nil)
				}
				taken := float64(heap() - before)
				b.ReportMetric(taken/people, "B/subject")
				b.ReportMetric(taken/(1<<20), "MiB")
				if n := t.opt.Cache.Len(); n != people || taken > 128<<20 {
					b.Errorf("%d of %d are kept, in %.1f MiB", n, people, taken/(1<<20))
				}
				runtime.KeepAlive(t)
			}
		})
	}
}

// BenchmarkTokenCacheRefusals measures what a refusal takes, and fails where that is more
// than is counted.
func BenchmarkTokenCacheRefusals(b *testing.B) {
	const people = 20_000
	answer := &oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusBadRequest}, Body: []byte(`{"error":"invalid_grant"}`)}
	scopes := NewScopes("https://mail.google.com/")
	for b.Loop() {
		before := heap()
		t := NewTokens(TokenOptions{})
		for i := range people {
			who := fmt.Sprintf("first.last%06d@example.com", i)
			t.keep(tokenKey{1, scopes, who}, AccessToken{}, t.failed(classifyToken(answer, noon), who))
		}
		taken, counted := float64(heap()-before)/people, float64(t.opt.Cache.refusals.bytes)/people
		b.ReportMetric(taken, "B/refusal")
		if n := t.opt.Cache.Len(); n != people || taken > counted {
			b.Errorf("%d are kept, of %.0f bytes, and %.0f are counted", n, taken, counted)
		}
		runtime.KeepAlive(t)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
