package checkin_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// BenchmarkSteadyCheckIn answers signed check-ins in which nothing changed, over
// the embedded store, on every core, and compares them with what verifying one
// P-256 signature each would allow (x-verification; the target is 0.60).
func BenchmarkSteadyCheckIn(b *testing.B) {
	bench := newSteady(b)
	b.Run("verification alone", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if !ecdsa.VerifyASN1(&bench.key.PublicKey, bench.digest[:], bench.signature) {
					b.Error("the signature does not verify")
				}
			}
		})
		bench.baseline = perSecond(b)
		b.ReportMetric(bench.baseline, "op/s")
	})
	b.Run("check-in", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			w := &answer{header: http.Header{}}
			for pb.Next() {
				bench.handler.ServeHTTP(w, bench.request())
				if w.status != http.StatusOK {
					b.Errorf("status %d", w.status)
				}
			}
		})
		b.ReportMetric(perSecond(b), "op/s")
		b.ReportMetric(perSecond(b)/bench.baseline, "x-verification")
	})
}

func perSecond(b *testing.B) float64 { return float64(b.N) / b.Elapsed().Seconds() }

type steadyBench struct {
	key       *ecdsa.PrivateKey
	digest    [32]byte
	signature []byte
	handler   http.Handler
	proof     string
	body      []byte
	baseline  float64
}

const benchURL = "https://emm.example.com/checkin"

func newSteady(b *testing.B) *steadyBench {
	b.Helper()
	s := &steadyBench{body: []byte(`{"androidId":"123456789abcdef0","accounts":[{"name":"a1b2c3d4e5@accounts.example","state":"ready"}]}`)}
	var err error
	if s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.Fatal(err)
	}
	s.digest = sha256.Sum256(s.body)
	if s.signature, err = ecdsa.SignASN1(rand.Reader, s.key, s.digest[:]); err != nil {
		b.Fatal(err)
	}
	signer, err := proof.NewSigner(s.key, rand.Reader, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	if s.proof, err = signer.Sign(http.MethodPost, benchURL, s.body); err != nil {
		b.Fatal(err)
	}
	driver, err := embedded.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = driver.Close() })
	db := record.New(store.Count(driver), setup.NewID)
	v, err := proof.Verify(s.proof, http.MethodPost, benchURL, s.body, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	row := enrolled(device.ID(v.Thumbprint))
	row.AndroidID = "123456789abcdef0"
	row.Accounts = []protocol.Account{{Name: "a1b2c3d4e5@accounts.example", State: protocol.AccountReady}}
	row.Desired.AccountName = row.Accounts[0].Name
	if err := db.Update(b.Context(), func(tx *record.Tx) error { return tx.PutDevice(row) }); err != nil {
		b.Fatal(err)
	}
	desk := &checkin.Desk{Device: db.Device, Enterprise: db.Enterprise, Update: record.In[checkin.Rows](db), URL: benchURL,
		Now: time.Now, Random: func() float64 { return 0.5 }}
	s.handler = desk.Handler(api.Edge{Function: "checkin", Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	return s
}

// request makes what net/http would hand over, as cheaply as can be: what is
// measured is the function.
func (s *steadyBench) request() *http.Request {
	return &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, ContentLength: int64(len(s.body)),
		Body: io.NopCloser(bytes.NewReader(s.body)),
		Header: http.Header{
			"Content-Type": {"application/json"}, http.CanonicalHeaderKey(proof.Header): {s.proof},
		},
	}
}

// answer is a ResponseWriter that keeps the status alone.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }
