package mailtoken_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/mailtoken"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
)

const (
	people = 2500
	batch  = mailclient.MaxBatch
)

// instant is a token endpoint that costs nothing and gives tokens of 220 characters, as
// Google's are.
func instant() http.Handler {
	var n atomic.Int64
	pad := "ya29." + strings.Repeat("x", 199)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"access_token":"%s%016d","token_type":"Bearer","expires_in":3599}`, pad, n.Add(1))
	})
}

// slow is a handler that takes its time, as Google does.
func slow(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(d); next.ServeHTTP(w, r) })
}

// benchServer is a registered server of a function with the Mint as it is deployed, and
// the given token endpoint.
func benchServer(b *testing.B, endpoint func(*bench) http.Handler) *server {
	b.Helper()
	w := newBench(b)
	w.now = time.Now()
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	mint := mailtokens.New(mailtokens.Options{
		Source: func(string) *google.Tokens {
			return google.NewTokens(google.TokenOptions{
				Credential:  func(context.Context) (secret.Value, error) { return secret.NewBytes(w.account.JSON), nil },
				AnyTokenURI: true, Log: log, Base: inHandler{endpoint(w)},
			})
		},
	})
	issuer := mailtoken.New(mailtoken.Options{Rows: w.db, Trail: w.db, Mint: mint, URL: url, Log: log, Now: time.Now})
	w.handler = issuer.Handler(api.Edge{Function: "mailtoken", Now: time.Now, Log: log})
	return w.server(all)
}

type inHandler struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (h inHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

// batches are the bodies of requests for everybody.
func (s *server) batches() (bodies [][]byte) {
	who := s.mailboxes(people)
	for i := 0; i < people; i += batch {
		bodies = append(bodies, body(s.t, who[i:i+batch]))
	}
	return bodies
}

// BenchmarkCold asks for 2,500 mailboxes in five requests at once that nobody asked for
// before, with the limits of the deployed function: from an endpoint that costs nothing,
// from the simulator, which verifies, and from one that takes 60 ms.
func BenchmarkCold(b *testing.B) {
	for _, bc := range []struct {
		name     string
		endpoint func(*bench) http.Handler
	}{
		{"instant", func(*bench) http.Handler { return instant() }},
		{"simulator", func(w *bench) http.Handler { return w.google }},
		{"60ms", func(*bench) http.Handler { return slow(60*time.Millisecond, instant()) }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				s := benchServer(b, bc.endpoint)
				bodies := s.batches()
				b.StartTimer()
				began := time.Now()
				var wg sync.WaitGroup
				for _, raw := range bodies {
					wg.Go(func() {
						if w := s.send(s.at().signed(raw)); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "reason") {
							b.Errorf("%d %.300s", w.Code, w.Body)
						}
					})
				}
				wg.Wait()
				took += time.Since(began)
			}
			b.ReportMetric(float64(people*b.N)/took.Seconds(), "tokens/s")
		})
	}
}

// BenchmarkWarm asks for 500 of 2,500 mailboxes with each request, all of which are
// kept, on every core, and compares with a bare handler that reads the same request and
// writes the same reply from a map, without proof, permission, lifetimes and bounds
// (x-bare).
func BenchmarkWarm(b *testing.B) {
	s := benchServer(b, func(*bench) http.Handler { return instant() })
	bodies := s.batches()
	tokens := map[string]item{}
	for _, raw := range bodies {
		for _, it := range itemsOf(b, s.send(s.at().signed(raw))) {
			tokens[it.Mailbox] = it
		}
	}
	var bare float64
	b.Run("bare", func(b *testing.B) {
		bare = warm(b, s, bodies, bareHandler(tokens))
	})
	b.Run("mailtoken", func(b *testing.B) {
		if got := warm(b, s, bodies, s.handler); bare > 0 {
			b.ReportMetric(got/bare, "x-bare")
		}
	})
}

func warm(b *testing.B, s *server, bodies [][]byte, h http.Handler) (perSecond float64) {
	b.ReportAllocs()
	var requests []*http.Request // with a proof each, which is the client's work
	for i := range b.N {
		if i%1000 == 0 {
			s.at()
		}
		requests = append(requests, s.signed(bodies[i%len(bodies)]))
	}
	var next atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		w := &discard{header: http.Header{}}
		for pb.Next() {
			w.status, w.n = http.StatusOK, 0
			h.ServeHTTP(w, requests[next.Add(1)-1])
			if w.status != http.StatusOK || w.n < batch*500 {
				b.Errorf("%d, %d bytes", w.status, w.n)
				return
			}
		}
	})
	perSecond = float64(b.N) * batch / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "tokens/s")
	return perSecond
}

func bareHandler(tokens map[string]item) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var req struct{ Mailboxes []string }
		if err := json.Unmarshal(raw, &req); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		type granted struct {
			Mailbox     string    `json:"mailbox"`
			AccessToken string    `json:"accessToken"`
			ExpiresAt   time.Time `json:"expiresAt"`
			XOAUTH2     string    `json:"xoauth2"`
		}
		var reply struct {
			Items []granted `json:"items"`
		}
		for _, m := range req.Mailboxes {
			it := tokens[m]
			response := base64.StdEncoding.EncodeToString([]byte("user=" + m + "\x01auth=Bearer " + it.AccessToken + "\x01\x01"))
			reply.Items = append(reply.Items, granted{m, it.AccessToken, it.ExpiresAt, response})
		}
		out, _ := json.Marshal(reply)
		_, _ = w.Write(out)
	})
}

// discard is a response that nobody reads.
type discard struct {
	header    http.Header
	status, n int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }
