package nanomdm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPoll compares, in one process and one run, what one server answers of
// devices that have nothing new: each iteration gives every contender, one after
// the other, the same slice of time on every core, so that a neighbour's load hits
// all of them alike. The medians are reported as op/s, with x-verification (Rollcall
// against verification alone; the target is at least 0.60) and x-nanomdm and
// x-nanomdm-header (Rollcall against NanoMDM; the target is at least 1.5).
//
// All run in memory through ServeHTTP, without sockets or TLS, over one device whose
// one request is repeated, and with their logs formatted and then dropped. What each
// verifies:
//
//   - verification: one ECDSA P-256 signature over a SHA-256 digest that was made
//     before, with a parsed key. No HTTP.
//   - nanomdm: NanoMDM as cmd/nanomdm is set up by default. The Mdm-Signature header
//     is a detached CMS signature over the body: base64, the CMS and the certificate
//     within it are parsed, the body is hashed, and one RSA-2048 signature over the
//     signed attributes is verified. Then the chain of the certificate to the CA is
//     verified (a second RSA-2048 signature), the certificate is hashed and the hash
//     is compared with the one that is stored for the device. It has no nonce, time or
//     URL, so a copy of the request is taken for as long as the certificate lives.
//   - nanomdm-header: NanoMDM with -cert-header, behind a proxy that has done mutual
//     TLS. The certificate in the header is parsed, its chain verified (one RSA-2048
//     signature), hashed and compared. The proxy's TLS handshake, which is where the
//     device proves that it has the key, is not counted, so this side verifies less.
//   - checkin: Rollcall over the embedded store on disk. The proof in the DPoP header
//     is parsed with the P-256 key within it, one ECDSA P-256 signature is verified,
//     and method, URL, time and the body's digest are compared; the row that the key's
//     thumbprint names is read, and the proof is looked up among those that were used.
//
// Both sides of the 1.5 thus verify signatures of different kinds: RSA-2048 is
// cheaper to verify than ECDSA P-256, CMS and X.509 cost more to parse than a JWS.
func BenchmarkPoll(b *testing.B) {
	rollcall := newRollcall(b)
	nano := newNanoMDM(b)
	digest := sha256.Sum256(rollcall.body)
	signature := rollcall.sign(b, digest[:])

	contenders := []*contender{
		{name: "verification", once: func() bool {
			return ecdsa.VerifyASN1(&rollcall.key.PublicKey, digest[:], signature)
		}},
		{name: "nanomdm", once: func() bool { return answered(nano.signed, nano.request(signatureHeader)) }},
		{name: "nanomdm-header", once: func() bool { return answered(nano.proxied, nano.request(certHeader)) }},
		{name: "checkin", once: func() bool { return answered(rollcall.handler, rollcall.request()) }},
	}
	for b.Loop() {
		for _, c := range contenders {
			c.run(b)
		}
	}
	b.ReportMetric(0, "ns/op")
	rate := map[string]float64{}
	for _, c := range contenders {
		rate[c.name] = median(c.rates)
		b.ReportMetric(rate[c.name], c.name+"-op/s")
	}
	b.ReportMetric(rate["checkin"]/rate["verification"], "x-verification")
	b.ReportMetric(rate["checkin"]/rate["nanomdm"], "x-nanomdm")
	b.ReportMetric(rate["checkin"]/rate["nanomdm-header"], "x-nanomdm-header")
}

// slice is how long a contender runs at a time.
const slice = 50 * time.Millisecond

// contender is one side of the comparison.
type contender struct {
	name  string
	once  func() bool // serves one request; false is a failure
	rates []float64   // served a second, one for each slice
}

// run serves requests on every core for one slice.
func (c *contender) run(b *testing.B) {
	b.Helper()
	var served, failed atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			n := int64(0)
			for time.Since(began) < slice {
				if !c.once() {
					failed.Add(1)
				}
				n++
			}
			served.Add(n)
		})
	}
	group.Wait()
	c.rates = append(c.rates, float64(served.Load())/time.Since(began).Seconds())
	if n := failed.Load(); n > 0 {
		b.Fatalf("%s: %d of %d requests failed", c.name, n, served.Load())
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// reply is the plainest http.ResponseWriter.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *reply) Header() http.Header { return r.header }

func (r *reply) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *reply) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// serve returns the handler's reply.
func serve(h http.Handler, r *http.Request) *reply {
	w := &reply{header: http.Header{}}
	h.ServeHTTP(w, r)
	return w
}

// answered reports whether the handler answers 200.
func answered(h http.Handler, r *http.Request) bool {
	w := serve(h, r)
	return w.status == 0 || w.status == http.StatusOK
}
