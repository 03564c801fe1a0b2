//go:build linux

package bench

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/admin"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// origin is the functions' public URL, which proofs name.
const origin = "https://emm.example.com"

// rows is how many devices the prepared store holds.
const rows = 1000

// subject is one run: a function and its first request.
type subject struct {
	name string // of the function
	run  string // of the benchmark, where it is not the function's
	// request makes a new first request.
	request func(b *testing.B) *http.Request
	// status and logs are what the answer and the function's log must show.
	status int
	logs   string
}

// fixture is a folder with binaries and the data of the functions.
type fixture struct {
	dir        string
	enrollment secret.Value
	admin      secret.Value
	encryption json.RawMessage
	device     *ecdsa.PrivateKey // the device that enrolls again and again
}

// newFixture prepares the data: an enterprise, an enrollment token and devices.
func newFixture(b *testing.B) *fixture {
	b.Helper()
	f := &fixture{dir: b.TempDir(), admin: secret.New(rand.Text() + rand.Text()), device: newKey(b)}
	key, err := seal.NewKey(&newKey(b).PublicKey)
	if err != nil {
		b.Fatal(err)
	}
	f.encryption = key.JSON()
	if f.enrollment, err = enrollment.NewSecret(rand.Reader); err != nil {
		b.Fatal(err)
	}
	secrets, err := file.Open(filepath.Join(f.data(), "secrets"))
	if err != nil {
		b.Fatal(err)
	}
	if err := secrets.Put(b.Context(), admin.TokenName, f.admin); err != nil {
		b.Fatal(err)
	}
	driver, err := embedded.Open(b.Context(), f.data())
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := driver.Close(); err != nil {
			b.Error(err)
		}
	}()
	if err := record.New(driver, setup.NewID).Update(b.Context(), f.fill); err != nil {
		b.Fatal(err)
	}
	for i := range rows {
		row := f.row(fmt.Sprintf("device-%06d", i))
		put := func(tx *record.Tx) error { return tx.PutDevice(row) }
		if err := record.New(driver, setup.NewID).Update(b.Context(), put); err != nil {
			b.Fatal(err)
		}
	}
	return f
}

func newKey(b *testing.B) *ecdsa.PrivateKey {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

func (f *fixture) data() string { return filepath.Join(f.dir, "data") }

// settings is the environment of a function, for one machine.
func (f *fixture) settings() []string {
	return []string{"ROLLCALL_DATA=" + f.data(), "ROLLCALL_PUBLIC_URL=" + origin}
}

func (f *fixture) fill(tx *record.Tx) error {
	now := time.Now()
	if err := tx.PutEnterprise(enterprise.Enterprise{
		ID: "acme", Name: "Acme", Play: "LC03abcd12", State: enterprise.Bound, CreatedAt: now, CheckedAt: now,
	}); err != nil {
		return err
	}
	return tx.PutToken(enrollment.Token{
		ID: enrollment.ID(f.enrollment), Enterprise: "acme", CreatedAt: now, CreatedBy: "admin:local",
		ExpiresAt: now.Add(24 * time.Hour),
	})
}

func (f *fixture) row(id string) device.Device {
	now := time.Now()
	return device.Device{
		ID: id, Enterprise: "acme", State: device.Active, EncryptionKey: f.encryption,
		Subject:         account.Subject{Kind: account.Device, ID: id},
		EnrollmentToken: enrollment.ID(f.enrollment), EnrolledAt: now, LastSeen: now, CheckInSeconds: 14400,
		Desired: device.Desired{AccountID: id, AccountType: account.DeviceAccount, PlayEnterprise: "LC03abcd12", DisplayName: "Acme"},
	}
}

// hello is the bare function.
func (f *fixture) hello() subject {
	return subject{name: "hello", status: http.StatusOK, request: func(b *testing.B) *http.Request {
		return newRequest(b, http.MethodGet, "/", nil)
	}}
}

// subjects are the runs. The devices of checkin and token, and the client of
// mailtoken, have valid proofs and no row, which takes a read to know. In the run enroll a device whose reply was lost
// asks again, which reads three rows; in enroll-new each is a new one, which also
// waits for the disk to take the commit.
func (f *fixture) subjects() []subject {
	stranger := func(path, body string) func(*testing.B) *http.Request {
		return func(b *testing.B) *http.Request { return signed(b, newKey(b), path, []byte(body)) }
	}
	again := func(b *testing.B) *http.Request { return signed(b, f.device, "/enroll", f.enroll(b)) }
	first := func(b *testing.B) *http.Request { return signed(b, newKey(b), "/enroll", f.enroll(b)) }
	list := func(b *testing.B) *http.Request {
		r := newRequest(b, http.MethodGet, "/v1/enterprises/acme", nil)
		r.Header.Set("Authorization", "Bearer "+f.admin.Reveal())
		return r
	}
	forged := func(b *testing.B) *http.Request {
		r := newRequest(b, http.MethodPost, "/", []byte(`{"kind":"admin#directory#user","id":"1"}`))
		for name, v := range map[string]string{"Content-Type": "application/json", "X-Goog-Channel-ID": "unknown",
			"X-Goog-Channel-Token": "forged", "X-Goog-Resource-ID": "r", "X-Goog-Resource-State": "update", "X-Goog-Message-Number": "2"} {
			r.Header.Set(name, v)
		}
		return r
	}
	return []subject{
		f.hello(),
		{name: "checkin", status: http.StatusUnauthorized, logs: "device-unknown",
			request: stranger("/checkin", `{"androidId":"123456789abcdef0","accounts":[]}`)},
		{name: "enroll", status: http.StatusOK, logs: `"store_reads":3`, request: again},
		{name: "enroll", run: "enroll-new", status: http.StatusOK, logs: `"store_reads":3`, request: first},
		{name: "token", status: http.StatusUnauthorized, logs: "device-unknown",
			request: stranger("/token", `{"directiveId":"abcdefghijklmnopqrstuvwxyz"}`)},
		{name: "mailtoken", status: http.StatusUnauthorized, logs: "mail-client-unknown",
			request: stranger("/mailtoken", `{"mailboxes":["anna@example.com"]}`)},
		{name: "admin", status: http.StatusOK, logs: `"store_reads":1`, request: list},
		{name: "directorywatch", status: http.StatusNotFound, logs: "channel-unknown", request: forged},
	}
}

func (f *fixture) enroll(b *testing.B) []byte {
	b.Helper()
	body, err := json.Marshal(protocol.EnrollRequest{
		EnrollmentToken: f.enrollment.Reveal(), EncryptionKey: f.encryption,
		Device: protocol.DeviceInfo{Manufacturer: "Acme", Model: "Phone 9", SDK: 35, Agent: "bench/1.0"},
	})
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// signed returns a request with a new proof.
func signed(b *testing.B, key *ecdsa.PrivateKey, path string, body []byte) *http.Request {
	b.Helper()
	signer, err := proof.NewSigner(key, rand.Reader, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	p, err := signer.Sign(http.MethodPost, origin+path, body)
	if err != nil {
		b.Fatal(err)
	}
	r := newRequest(b, http.MethodPost, "/", body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(proof.Header, p)
	return r
}

func newRequest(b *testing.B, method, path string, body []byte) *http.Request {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	return r
}
