package checkin_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/generator"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

const (
	adaID  = "128b2f33-0c5c-4fd0-a6a3-a4506513270e" // see enrolled
	adaGID = "100000000000000000001"
)

var adaKey = person.KeyOf("acme", adaID)

// office is a bench with the person Ada, a policy of passwords, the pusher that is
// deployed, and a Google that does as it is told. No store but the pusher's and the
// desk's goes through faulty.
type office struct {
	*bench
	pusher  *push.Pusher
	faulty  *storetest.Faulty
	opening *ecdsa.PrivateKey // of all devices

	mu       sync.Mutex
	log      bytes.Buffer
	calls    int
	offered  []string // what Google was sent, in order
	accepted []string // what Google accepted, in order
	// answer is what Google does with a password; nil is that it accepts it.
	answer func(ctx context.Context) error
}

func newOffice(t *testing.T, settings ...mail.Setting) *office {
	t.Helper()
	b := newBench(t)
	o := &office{bench: b, faulty: storetest.NewFaulty(b.driver)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	o.opening, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	vault, err := file.Open(filepath.Join(t.TempDir(), "secrets"))
	must(err)
	must(keyring.Create(t.Context(), vault, keyring.SecretName))
	gen, err := generator.New(nil)
	must(err)
	log := slog.New(slog.NewJSONHandler(o, &slog.HandlerOptions{Level: slog.LevelDebug}))
	db := record.New(o.faulty, b.nextID)
	o.pusher = &push.Pusher{
		DB: db, Keys: keyring.New(vault, keyring.SecretName, b.clock), Generator: gen, Now: b.clock,
		Google: func(context.Context, directory.Config) (push.Google, error) { return o, nil },
		Jitter: func() float64 { return 0.5 }, Log: log,
	}
	b.desk.Device, b.desk.Enterprise, b.desk.Update, b.desk.Settings = db.Device, db.Enterprise, record.In[checkin.Rows](db), db
	b.desk.Passwords = func(context.Context) (checkin.Passwords, error) { return o.pusher, nil }
	b.desk.Budget, b.desk.Log = time.Minute, log
	b.handler = b.desk.Handler(api.Edge{Function: "checkin", Now: b.clock, Log: log, Observe: b.observe})
	b.put(func(tx *record.Tx) error {
		if err := tx.PutPasswordPolicy(password.Policy{Enterprise: "acme", Revision: 1, MaxAttempts: 3}); err != nil {
			return err
		}
		return tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.GoogleOnly, Google: &directory.Google{Subject: "boss@g.example"}})
	})
	o.hire()
	o.set(settings...)
	return o
}

// SetPassword implements push.Google.
func (o *office) SetPassword(ctx context.Context, k workspace.Key, v secret.Value) (workspace.User, error) {
	o.mu.Lock()
	o.calls++
	o.offered = append(o.offered, v.Reveal())
	answer := o.answer
	o.mu.Unlock()
	if answer != nil {
		if err := answer(ctx); err != nil {
			return workspace.User{}, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.accepted = append(o.accepted, v.Reveal())
	return workspace.User{ID: k.ID}, nil
}

// Write implements io.Writer for the logs.
func (o *office) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.Write(p)
}

// hire makes Ada's row anew.
func (o *office) hire(change ...func(*person.Person)) {
	o.t.Helper()
	p := person.Person{
		Key: adaKey, Enterprise: "acme", ID: adaID, State: person.Active, Settled: person.Granted,
		Entry:  person.Entry{ID: adaID, Mail: "ada@corp.example", Login: "ada"},
		Google: person.Google{ID: adaGID, Mail: "ada@g.example"},
	}
	for _, c := range change {
		c(&p)
	}
	o.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
}

// set makes these the settings of the enterprise.
func (o *office) set(settings ...mail.Setting) {
	o.t.Helper()
	slices.SortFunc(settings, func(a, b mail.Setting) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	o.put(func(tx *record.Tx) error {
		e, err := tx.Enterprise("acme")
		if err != nil {
			return err
		}
		e.MailRevision++
		if err := tx.PutEnterprise(e); err != nil {
			return err
		}
		return tx.PutMailBook(mail.Book{Enterprise: "acme", Revision: e.MailRevision, Settings: settings})
	})
}

// renew gives Ada another password, which goes to Google when it is next wanted.
func (o *office) renew() {
	o.t.Helper()
	_, err := o.pusher.Renew(o.t.Context(), push.Renewal{Enterprise: "acme", Person: adaKey, Asked: o.now.Add(time.Hour), When: password.AtCheckIn})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) ledger() password.Ledger {
	o.t.Helper()
	l, err := o.db.Password(o.t.Context(), "acme", adaKey)
	if err != nil {
		o.t.Fatal(err)
	}
	return l
}

// sales needs the generated password; voice does not.
func sales(change ...func(*mail.Setting)) mail.Setting {
	return with(mail.NewExchange(), "sales", append([]func(*mail.Setting){func(s *mail.Setting) { s.SignIn = mail.GoogleAppsPassword }}, change...))
}

func voice(change ...func(*mail.Setting)) mail.Setting { return with(mail.NewIMAP(), "voice", change) }

func with(s mail.Setting, id string, change []func(*mail.Setting)) mail.Setting {
	s.ID, s.Name, s.Enterprise, s.Version, s.Labels = id, id, "acme", 1, []string{"field"}
	for _, c := range change {
		c(&s)
	}
	return s
}

func transient() error { return fault.New(fault.Transient, "google-backend", "") }

// keyless is a key set that is lost.
type keyless struct{ push.Keys }

func (keyless) Seal(context.Context, password.Binding, secret.Value) (string, error) {
	return "", fault.New(fault.Transient, password.ReasonKeyMissing, "")
}

func (keyless) Open(context.Context, password.Binding, string) (secret.Value, error) {
	return secret.Value{}, fault.New(fault.Transient, password.ReasonKeyMissing, "")
}
