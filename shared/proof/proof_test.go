package proof_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
)

// TestSignAndVerify: one Signer may be used concurrently, and no two proofs have
// the same nonce.
func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(vectorTime, 0)
	s, err := proof.NewSigner(key, rand.Reader, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				body := []byte(strconv.Itoa(g*100 + i))
				p, err := s.Sign("POST", vectorURL, body)
				if err != nil {
					t.Error(err)
					return
				}
				v, err := proof.Verify(p, "POST", vectorURL, body, now)
				if err != nil || !v.Key.Equal(&key.PublicKey) || len(v.Thumbprint) != sha256.Size {
					t.Errorf("Verify = %+v, %v", v, err)
					return
				}
				mu.Lock()
				if seen[v.ID] {
					t.Errorf("nonce %q came twice", v.ID)
				}
				seen[v.ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestUntil: a proof is refused for its age from Until on, so that a memory of
// used proofs may forget it then, and not before.
func TestUntil(t *testing.T) {
	t.Parallel()
	key := fixedKey("signing", elliptic.P256())
	p := forge(key, vectorNonce, "POST", vectorURL, vectorBody, vectorTime).String()
	v, err := proof.Verify(p, "POST", vectorURL, []byte(vectorBody), time.Unix(vectorTime, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Verify(p, "POST", vectorURL, []byte(vectorBody), v.Until); fault.ReasonOf(err) != "proof-time" {
		t.Errorf("Verify at Until = %v, want it refused for its time", err)
	}
}

func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	r, _ := rsa.GenerateKey(rand.Reader, 2048)
	if _, err := proof.NewSigner(p384, rand.Reader, time.Now); fault.KindOf(err) != fault.Invalid {
		t.Errorf("NewSigner of P-384 = %v, want invalid", err)
	}
	if _, err := proof.NewSigner(r, rand.Reader, time.Now); fault.KindOf(err) != fault.Invalid {
		t.Errorf("NewSigner of RSA = %v, want invalid", err)
	}
	broken := errors.New("no entropy")
	s, err := proof.NewSigner(fixedKey("signing", elliptic.P256()), iotest.ErrReader(broken), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign("POST", vectorURL, nil); !errors.Is(err, broken) {
		t.Errorf("Sign without randomness = %v, want its error", err)
	}
}

// FuzzVerify: nothing makes Verify panic, and what it takes was signed by the key
// that it names, for this request.
func FuzzVerify(f *testing.F) {
	for _, c := range cases() {
		f.Add(c.proof, vectorBody)
	}
	now := time.Unix(vectorTime, 0)
	f.Fuzz(func(t *testing.T, p, body string) {
		v, err := proof.Verify(p, "POST", vectorURL, []byte(body), now)
		if err != nil {
			if e := fault.As(err); e == nil || e.Kind != fault.Unauthorized || e.Public != "" || e.Reason == "" {
				t.Errorf("Verify = %#v, want unauthorized with a reason and no public text", err)
			}
			return
		}
		// The fuzzer cannot sign, so only the corpus' keys can have signed.
		if body != vectorBody || strings.Count(p, ".") != 2 || !v.Key.Equal(&fixedKey("signing", elliptic.P256()).PublicKey) {
			t.Errorf("Verify took %q for %q", p, body)
		}
		if !v.Until.After(now) {
			t.Errorf("Until = %v lies before the proof was taken", v.Until)
		}
	})
}

// BenchmarkVerify tells what a proof costs above the bare verification of its
// signature, measured in the same run: "x-bare" is the ratio.
func BenchmarkVerify(b *testing.B) {
	key := fixedKey("signing", elliptic.P256())
	f := forge(key, vectorNonce, "POST", vectorURL, vectorBody, vectorTime)
	p, sig, sum, body := f.String(), f.der(), sha256.Sum256([]byte(f.input())), []byte(vectorBody)
	now := time.Unix(vectorTime, 0)
	b.ReportAllocs()
	var whole, bare time.Duration
	// In turns, so that a neighbour on the machine disturbs both alike.
	for b.Loop() {
		t0 := time.Now()
		if _, err := proof.Verify(p, "POST", vectorURL, body, now); err != nil {
			b.Fatal(err)
		}
		t1 := time.Now()
		if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], sig) {
			b.Fatal("the signature does not hold")
		}
		whole, bare = whole+t1.Sub(t0), bare+time.Since(t1)
	}
	b.ReportMetric(float64(whole.Nanoseconds())/float64(b.N), "verify-ns/op")
	b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N), "bare-ns/op")
	b.ReportMetric(float64(whole)/float64(bare), "x-bare")
}

func BenchmarkSign(b *testing.B) {
	s, err := proof.NewSigner(fixedKey("signing", elliptic.P256()), rand.Reader, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sign("POST", vectorURL, []byte(vectorBody)); err != nil {
			b.Fatal(err)
		}
	}
}
