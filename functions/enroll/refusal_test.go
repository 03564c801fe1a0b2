package enroll_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TestEnroll_C1_RefusalsLookAlike: whatever the reason, the caller sees one
// answer, no device row changes, and the trail alone knows why.
func TestEnroll_C1_RefusalsLookAlike(t *testing.T) {
	t.Parallel()
	var uniform string
	for _, tc := range []struct {
		name, reason string
		arrange      func(b *bench) (*phone, secret.Value)
	}{
		{"unknown token", "token-unknown", func(b *bench) (*phone, secret.Value) {
			return b.phone(), secret.New("rc1_" + strings.Repeat("x", 43))
		}},
		{"expired", "token-expired", func(b *bench) (*phone, secret.Value) {
			return b.phone(), b.token(func(t *enrollment.Token) { t.ExpiresAt = noon })
		}},
		{"revoked", "token-revoked", func(b *bench) (*phone, secret.Value) {
			return b.phone(), b.token(func(t *enrollment.Token) { t.RevokedAt = noon })
		}},
		{"revoked and expired", "token-revoked", func(b *bench) (*phone, secret.Value) {
			return b.phone(), b.token(func(t *enrollment.Token) { t.RevokedAt, t.ExpiresAt = noon, noon })
		}},
		{"known to be exhausted", "token-exhausted", func(b *bench) (*phone, secret.Value) {
			return b.phone(), b.token(func(t *enrollment.Token) { t.Uses, t.Exhausted = 1, true })
		}},
		{"exhausted by another device", "token-exhausted", func(b *bench) (*phone, secret.Value) {
			s := b.token(uses(1))
			b.admitted(b.phone(), s)
			return b.phone(), s
		}},
		{"enterprise gone", "play-enterprise-missing", func(b *bench) (*phone, secret.Value) {
			b.enterprise(func(e *enterprise.Enterprise) { e.State = enterprise.Gone })
			return b.phone(), b.token(uses(0))
		}},
		{"key pinned with another token", "key-pinned", func(b *bench) (*phone, secret.Value) {
			p := b.phone()
			b.admitted(p, b.token(uses(0)))
			return p, b.token(uses(0))
		}},
		{"key pinned with another encryption key", "key-pinned", func(b *bench) (*phone, secret.Value) {
			p, s := b.phone(), b.token(uses(0))
			b.admitted(p, s)
			p.opening = newKey(b.t)
			return p, s
		}},
		{"key of a retired device", "key-pinned", func(b *bench) (*phone, secret.Value) {
			p, s := b.phone(), b.token(uses(0))
			id := b.admitted(p, s)
			b.update(func(tx *record.Tx) error {
				d, err := tx.Device(id)
				if err != nil {
					return err
				}
				d.State = device.Retired
				return tx.PutDevice(d)
			})
			return p, s
		}},
	} {
		// Not parallel: each is compared with the one before.
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			p, token := tc.arrange(b)
			devices, known := b.documents(record.Devices), len(b.trail("acme"))
			w := b.enroll(p, token)
			if w.Code != http.StatusUnauthorized {
				t.Fatalf("status %d, want 401: %s", w.Code, w.Body)
			}
			if uniform == "" {
				uniform = w.Body.String()
			}
			if diff := cmp.Diff(uniform, w.Body.String()); diff != "" {
				t.Errorf("this refusal tells itself apart:\n%s", diff)
			}
			if diff := cmp.Diff(devices, b.documents(record.Devices)); diff != "" {
				t.Errorf("a refused call changed the devices:\n%s", diff)
			}
			id, ent := b.idOf(p), "acme"
			want := line{ent, "device:" + id, "device.enroll", "enrollment-token:" + enrollment.ID(token), tc.reason}
			trail := b.trail("acme")[known:]
			if tc.reason == "token-unknown" {
				want.Enterprise, want.Target = "-", "enrollment-token:unknown"
				trail = b.trail("-")
			}
			if diff := cmp.Diff([]line{want}, trail); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEnroll_StrangersCannotFillTheTrail: refusals beyond the limit cost no
// write.
func TestEnroll_StrangersCannotFillTheTrail(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.registrar.Record = func() bool { return false }
	if code := b.enroll(b.phone(), secret.New("rc1_"+strings.Repeat("x", 43))).Code; code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", code)
	}
	if got := b.last(); got.Reads != 1 || got.Writes != 0 || got.Reason != "token-unknown" {
		t.Errorf("%d reads and %d writes for %q, want 1, 0 and token-unknown in the log", got.Reads, got.Writes, got.Reason)
	}
	if n := len(b.trail("-")); n != 0 {
		t.Errorf("%d records of strangers", n)
	}
}

// TestEnroll_C1_ReusedProof: the proof that enrolled a device is good for nothing
// more, not even for hearing the same answer again.
func TestEnroll_C1_ReusedProof(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p, token := b.phone(), b.token(uses(0))
	body := p.request(t, token)
	jwt, err := p.signer.Sign(http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if w := b.send(body, jwt); w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	before := b.documents(record.Kinds()...)
	for _, later := range []time.Duration{0, 4 * time.Minute, time.Hour} {
		b.advance(later)
		if w := b.send(body, jwt); w.Code != http.StatusUnauthorized {
			t.Errorf("after %v: status %d, want 401", later, w.Code)
		}
	}
	if diff := cmp.Diff(before, b.documents(record.Kinds()...)); diff != "" {
		t.Errorf("a reused proof changed the store:\n%s", diff)
	}
}

// TestEnroll_E4_BadKeysNameTheField: what an agent's author did wrong is said,
// and nothing is stored.
func TestEnroll_E4_BadKeysNameTheField(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(t *testing.T, key any) json.RawMessage {
		t.Helper()
		raw, err := (&jose.JSONWebKey{Key: key}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, tc := range []struct {
		name, field string
		key         func(t *testing.T, p *phone) json.RawMessage
	}{
		{"the signing key", "encryptionKey", func(t *testing.T, p *phone) json.RawMessage { return jwk(t, p.signing.Public()) }},
		{"another curve", "encryptionKey.crv", func(t *testing.T, _ *phone) json.RawMessage { return jwk(t, p384.Public()) }},
		{"a private key", "encryptionKey", func(t *testing.T, p *phone) json.RawMessage { return jwk(t, p.opening) }},
		{"no point of the curve", "encryptionKey", func(t *testing.T, _ *phone) json.RawMessage {
			zero := strings.Repeat("A", 43)
			return json.RawMessage(`{"kty":"EC","crv":"P-256","x":"` + zero + `","y":"` + zero + `"}`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p, token := b.phone(), b.token(uses(1))
			body, err := json.Marshal(protocol.EnrollRequest{EnrollmentToken: token.Reveal(), EncryptionKey: tc.key(t, p)})
			if err != nil {
				t.Fatal(err)
			}
			jwt, err := p.signer.Sign(http.MethodPost, url, body)
			if err != nil {
				t.Fatal(err)
			}
			before := b.documents(record.Kinds()...)
			w := b.send(body, jwt)
			var problem protocol.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusBadRequest || problem.Field != tc.field {
				t.Errorf("status %d, field %q, want 400 and %q: %s", w.Code, problem.Field, tc.field, w.Body)
			}
			if diff := cmp.Diff(before, b.documents(record.Kinds()...)); diff != "" {
				t.Errorf("a refused call changed the store:\n%s", diff)
			}
		})
	}
}
