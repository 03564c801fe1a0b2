package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/functions/admin"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	secretfile "github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/token"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

var update = flag.Bool("update", false, "write the golden files anew")

var clock = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// place is a real function admin on an embedded store, and a token file for it.
type place struct {
	t      *testing.T
	db     *record.DB
	office *admin.Office
	bus    *bus
	server *httptest.Server
	down   atomic.Bool // the server answers 503
	file   string
	dir    string
	env    map[string]string
	in     io.Reader
	person bool // somebody can be asked
	screen bool // there is a terminal
	wait   func(context.Context, time.Duration) error
}

func newPlace(t *testing.T) *place {
	t.Helper()
	driver, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	p := &place{t: t, bus: &bus{}, file: filepath.Join(t.TempDir(), "admin-token")}
	p.db = record.New(driver, func() string { return "a" + strconv.FormatInt(n.Add(1), 10) })
	if err := os.WriteFile(p.file, []byte("token-of-the-test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secrets, err := secretfile.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	p.office = &admin.Office{
		DB: p.db, Secrets: secrets, Events: p.bus, DeadLetters: p.bus, Auth: admin.Loopback{Token: secret.New("token-of-the-test")},
		EnrollURL: "https://emm.example.com/enroll", Now: func() time.Time { return clock }, Random: &counter{},
	}
	edge := api.Edge{Function: "admin", Log: slog.New(slog.DiscardHandler), Now: p.office.Now}
	h := p.office.Handler(edge)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			problem(http.StatusServiceUnavailable, "busy")(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { p.server.Close(); _ = driver.Close() })
	p.env = map[string]string{"ROLLCALL_URL": p.server.URL, "ROLLCALL_TOKEN_FILE": p.file, "ROLLCALL_ENTERPRISE": "acme"}
	return p
}

// counter is randomness that is the same in every run.
type counter struct{ n atomic.Uint32 }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c.n.Add(1))
	}
	return len(b), nil
}

// run runs one command and returns its exit code and outputs.
func (p *place) run(ctx context.Context, args ...string) (code int, out, errs string) {
	p.t.Helper()
	var o, e bytes.Buffer
	code = realMain(ctx, &app{
		in: p.in, out: &o, errs: &e, interactive: p.person, screen: p.screen, wait: p.wait,
		getenv: func(k string) string { return p.env[k] }, now: func() time.Time { return clock },
		transport: http.DefaultTransport,
		backoff:   func() retry.Backoff { return retry.WithMaxRetries(2, retry.NewConstant(time.Nanosecond)) },
	}, args)
	return code, o.String(), e.String()
}

// golden compares got with testdata/NAME.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s: -want +got:\n%s", file, d)
	}
}

// fleet fills the store.
func (p *place) fleet() {
	p.t.Helper()
	person := account.Subject{Kind: account.Person, ID: "e-1815"}
	err := p.db.Update(p.t.Context(), func(tx *record.Tx) error {
		for _, err := range []error{
			tx.PutEnterprise(enterprise.Enterprise{
				ID: "acme", Name: "Acme Ltd", Play: "LC01", State: enterprise.Bound, CreatedAt: clock.AddDate(0, 0, -9),
				CheckedAt: clock.Add(-3 * time.Minute),
				Policy:    enterprise.Policy{LabelAccountType: map[string]account.Type{"kiosk": account.DeviceAccount}},
			}),
			tx.PutDevice(device.Device{
				ID: "d1", Enterprise: "acme", State: device.Active, Subject: person, Labels: []string{"sales", "north"},
				Info: protocol.DeviceInfo{Manufacturer: "Google", Model: "Pixel 9", Agent: "agent/1"}, AndroidID: "3f",
				EnrollmentToken: "t1", EnrolledAt: clock.AddDate(0, 0, -8), LastSeen: clock.Add(-3 * time.Minute),
				Desired:  device.Desired{AccountID: "acct1", AccountType: account.UserAccount, AccountName: "n1"},
				Accounts: []protocol.Account{{Name: "n1", State: protocol.AccountReady}},
			}),
			tx.PutDevice(device.Device{
				ID: "d2", Enterprise: "acme", Subject: account.Subject{Kind: account.Device, ID: "d2"},
				Info: protocol.DeviceInfo{Model: "Evil\x1b[2J\tTab"}, LastSeen: clock.AddDate(0, 0, -3),
				Desired: device.Desired{AccountID: "acct2", Hold: device.Revoked},
			}),
			tx.PutAccount(account.Account{
				ID: "acct1", Enterprise: "acme", PlayEnterprise: "LC01", Subject: person, Type: account.UserAccount,
				DisplayName: "Acme Ltd", State: account.Active, UserID: "u1", Name: "n1",
				CreatedAt: clock.AddDate(0, 0, -8), UpdatedAt: clock.Add(-90 * time.Second),
				Bindings: []account.Binding{{DeviceID: "d1", Since: clock.AddDate(0, 0, -8), Tokens: token.Ledger{
					{DirectiveID: "add-1", At: clock.Add(-2 * time.Hour), State: token.Failed, Reason: "NO_NETWORK"},
					{DirectiveID: "add-2", At: clock.Add(-time.Hour), State: token.Added},
				}}},
			}),
			tx.PutAccount(account.Account{
				ID: "acct2", Enterprise: "acme", Subject: account.Subject{Kind: account.Device, ID: "d2"},
				Type: account.DeviceAccount, State: account.Creating, Reason: "quota", UpdatedAt: clock,
			}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	data, err := workflow.Command{Enterprise: "acme", Op: workflow.Delete, All: true, RequestedBy: "admin:local", RequestID: "r", RequestedAt: time.Now()}.Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.bus.dead = []event.DeadLetter{{
		Event:  event.Event{ID: "77", Topic: event.Provision, Data: data, Published: clock, Attempt: 5},
		Reason: "transient", Died: clock.Add(-time.Hour),
	}}
}
