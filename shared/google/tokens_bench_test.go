package google_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google"
)

// instant is a token endpoint that costs nothing and gives tokens of n bytes.
func instant(n int) roundTripper {
	var count atomic.Int64
	pad := strings.Repeat("x", n-16)
	return func(*http.Request) (*http.Response, error) {
		return answer(http.StatusOK, fmt.Sprintf(`{"access_token":"%s%016d","token_type":"Bearer","expires_in":3599}`, pad, count.Add(1))), nil
	}
}

// fetch gets a token for each of who, at most at a time.
func fetch(b *testing.B, s *google.Tokens, who []string, at int) {
	b.Helper()
	work := make(chan string)
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for w := range work {
				if _, err := s.Token(b.Context(), w, mail); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, w := range who {
		work <- w
	}
	close(work)
	wg.Wait()
}

// BenchmarkTokensCold fetches the tokens of 2,500 people: from an endpoint that
// costs nothing, from the simulator, which verifies, and from one that takes 50 ms;
// beside them the signatures alone, without which no token is had.
func BenchmarkTokensCold(b *testing.B) {
	const people = 2500
	rate := func(b *testing.B) { b.ReportMetric(float64(people*b.N)/b.Elapsed().Seconds(), "tokens/s") }
	d := newDelegate(b)
	who := d.people(people)
	b.Run("signatures", func(b *testing.B) {
		digest := sha256.Sum256([]byte("claims"))
		for range b.N {
			var wg sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					for range people / runtime.GOMAXPROCS(0) {
						if _, err := rsa.SignPKCS1v15(rand.Reader, d.account.Key, crypto.SHA256, digest[:]); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		}
		rate(b)
	})
	slow := instant(220)
	for name, base := range map[string]http.RoundTripper{
		"instant": instant(220), "simulator": d.opt.Base,
		"50ms": roundTripper(func(r *http.Request) (*http.Response, error) { time.Sleep(50 * time.Millisecond); return slow(r) }),
	} {
		b.Run(name, func(b *testing.B) {
			opt := d.opt
			opt.Base = base
			for range b.N {
				fetch(b, google.NewTokens(opt), who, 64)
			}
			rate(b)
		})
	}
}

// BenchmarkTokensWarm hands out kept tokens of 2,500 people, beside a lookup in a
// bare map, with and without a lock.
func BenchmarkTokensWarm(b *testing.B) {
	d := newDelegate(b)
	who := d.people(2500)
	d.opt.Base = instant(220)
	s := google.NewTokens(d.opt)
	fetch(b, s, who, 64)
	bare := map[string]google.AccessToken{}
	for _, w := range who {
		bare[w], _ = s.Token(context.Background(), w, mail)
	}
	var mu sync.Mutex
	for _, bc := range []struct {
		name string
		get  func(w string) google.AccessToken
	}{
		{"map", func(w string) google.AccessToken { return bare[w] }},
		{"map and lock", func(w string) google.AccessToken { mu.Lock(); defer mu.Unlock(); return bare[w] }},
		{"tokens", func(w string) google.AccessToken { t, _ := s.Token(b.Context(), w, mail); return t }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if bc.get(who[i%len(who)]).Value.Empty() {
						b.Error("no token")
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
