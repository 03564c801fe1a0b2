package nanomdm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

const checkInURL = "https://emm.example.com/checkin"

// rollcall is the function checkin over the embedded store, and a device that has
// all it wants.
type rollcall struct {
	key     *ecdsa.PrivateKey
	handler http.Handler
	body    []byte
	proof   string
}

func newRollcall(b *testing.B) *rollcall {
	b.Helper()
	r := &rollcall{body: []byte(`{"androidId":"123456789abcdef0","accounts":[{"name":"a1b2c3d4e5@accounts.example","state":"ready"}]}`)}
	var err error
	if r.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.Fatal(err)
	}
	// The row was changed before the proof was made, or it would be an old one.
	changed := time.Now().Add(-time.Minute)
	signer, err := proof.NewSigner(r.key, rand.Reader, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	if r.proof, err = signer.Sign(http.MethodPost, checkInURL, r.body); err != nil {
		b.Fatal(err)
	}
	v, err := proof.Verify(r.proof, http.MethodPost, checkInURL, r.body, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	driver, err := embedded.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := driver.Close(); err != nil {
			b.Error(err)
		}
	})
	db := record.New(store.Count(driver), setup.NewID)
	row := steady(device.ID(v.Thumbprint), changed)
	if err := db.Update(b.Context(), func(tx *record.Tx) error { return tx.PutDevice(row) }); err != nil {
		b.Fatal(err)
	}
	desk := &checkin.Desk{
		Device: db.Device, Enterprise: db.Enterprise, Update: record.In[checkin.Rows](db), URL: checkInURL,
		Now: time.Now, Random: func() float64 { return 0.5 },
	}
	var served api.Served
	first := desk.Handler(api.Edge{
		Function: "checkin", Now: time.Now, Log: slog.New(slog.DiscardHandler), Observe: func(s api.Served) { served = s },
	})
	if w := serve(first, r.request()); w.status != http.StatusOK || served.Reads != 1 || served.Writes != 0 {
		b.Fatalf("the check-in is not a steady one: status %d, %d reads, %d writes: %s", w.status, served.Reads, served.Writes, &w.body)
	}
	r.handler = desk.Handler(api.Edge{
		Function: "checkin", Now: time.Now, Log: setup.Config{}.Logger(io.Discard),
	})
	return r
}

// steady is the row of a device that was enrolled and has its account.
func steady(id string, at time.Time) device.Device {
	name := "a1b2c3d4e5@accounts.example"
	return device.Device{
		ID: id, Enterprise: "acme", State: device.Active,
		EncryptionKey:   json.RawMessage(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`),
		Subject:         account.Subject{Kind: account.Person, ID: "128b2f33-0c5c-4fd0-a6a3-a4506513270e"},
		Labels:          []string{"field"},
		Info:            protocol.DeviceInfo{Manufacturer: "Acme", Model: "Phone 9", SDK: 35, Agent: "agent/1.0"},
		EnrollmentToken: "abcdefghijklmnopqrstuvwxyz", EnrolledAt: at, LastSeen: at, CheckInSeconds: 14400,
		AndroidID: "123456789abcdef0",
		Accounts:  []protocol.Account{{Name: name, State: protocol.AccountReady}},
		Desired: device.Desired{
			AccountID: "abcdefghijklmnopqrstuvwxyz234567", AccountType: account.UserAccount, AccountName: name,
			PlayEnterprise: "LC03abcd12", DisplayName: "Acme", OwnAccountID: "zbcdefghijklmnopqrstuvwxyz234567",
		},
	}
}

func (r *rollcall) sign(b *testing.B, digest []byte) []byte {
	b.Helper()
	sig, err := ecdsa.SignASN1(rand.Reader, r.key, digest)
	if err != nil {
		b.Fatal(err)
	}
	return sig
}

func (r *rollcall) request() *http.Request {
	return newRequest(http.MethodPost, checkInURL, r.body, http.Header{
		"Content-Type": {"application/json"}, http.CanonicalHeaderKey(proof.Header): {r.proof},
	})
}

// newRequest returns a request as a server would have read it. It panics where the
// caller gave no method or URL.
func newRequest(method, url string, body []byte, header http.Header) *http.Request {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header = header // in canonical form
	return r
}
