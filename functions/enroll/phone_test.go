package enroll_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// phone is a device with its two keys.
type phone struct {
	signing, opening *ecdsa.PrivateKey
	signer           *proof.Signer
}

func (b *bench) phone() *phone {
	b.t.Helper()
	p := &phone{signing: newKey(b.t), opening: newKey(b.t)}
	var err error
	if p.signer, err = proof.NewSigner(p.signing, rand.Reader, b.clock); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// request returns the body with which p enrols.
func (p *phone) request(t *testing.T, token secret.Value) []byte {
	t.Helper()
	key, err := seal.NewKey(p.opening.Public())
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(protocol.EnrollRequest{
		EnrollmentToken: token.Reveal(), EncryptionKey: key.JSON(),
		Device: protocol.DeviceInfo{Manufacturer: "Acme", Model: "Phone 9", SDK: 35, Agent: "test/1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// enroll sends p's request under a new proof.
func (b *bench) enroll(p *phone, token secret.Value) *httptest.ResponseRecorder {
	b.t.Helper()
	body := p.request(b.t, token)
	jwt, err := p.signer.Sign(http.MethodPost, url, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(body, jwt)
}

func (b *bench) send(body []byte, jwt string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(proof.Header, jwt)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// admitted enrols p and returns its id.
func (b *bench) admitted(p *phone, token secret.Value) string {
	b.t.Helper()
	w := b.enroll(p, token)
	var reply protocol.EnrollReply
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
		b.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if want := (protocol.EnrollReply{DeviceID: reply.DeviceID, Endpoints: endpoints, NextCheckInSeconds: 1}); reply != want {
		b.t.Errorf("reply %+v, want %+v", reply, want)
	}
	return reply.DeviceID
}
