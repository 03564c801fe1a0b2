package admin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
)

// sealedFor puts a key set, and ada with an accepted password that it sealed and a
// device that is to have a setting with it.
func (b *bench) sealedFor() {
	b.t.Helper()
	b.linked()
	ctx := b.t.Context()
	if err := keyring.Create(ctx, b.office.Secrets, keyring.SecretName); err != nil {
		b.t.Fatal(err)
	}
	l := password.Ledger{Person: ada, Enterprise: "acme", State: password.Active, Version: 3, Accepted: 3}
	var err error
	l.Sealed, err = keyring.New(b.office.Secrets, keyring.SecretName, b.office.Now).Seal(ctx, l.Bound(), secret.New("Any-Passw0rd"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{
			Key: ada, Enterprise: "acme", ID: "e-1815", State: person.Active, Labels: []string{"sales"}, Entry: person.Entry{Mail: "ada@example.com"},
		})
	})
	b.putLedger(l)
	b.putDevice(device.Device{
		ID: "d1", Enterprise: "acme", State: device.Active, Subject: account.Subject{Kind: account.Person, ID: "e-1815"},
	})
	b.want(200, "PUT", settingsPath+"/account", withSetting(generated), nil)
	b.want(200, "PUT", settingsPath+"/open", withSetting(func(*mail.Setting) {}), nil)
}

// TestLockedPasswords_W8_AreSeen: an administrator hears that stored passwords do not
// open, and which settings wait for it; the rows know nothing of it.
func TestLockedPasswords_W8_AreSeen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		key    string // what is in the place of the key set; "" another key set, "-" none
		row    string // what is in the place of the ciphertext
		reason string
	}{
		{"all is well", "keep", "", ""},
		{"the key set is gone", "-", "", password.ReasonKeyMissing},
		{"another key set", "", "", password.ReasonKeyUnknown},
		{"damaged", "{}", "", password.ReasonKeyDamaged},
		{"the row is damaged", "keep", "no ciphertext", password.ReasonUnreadable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sealedFor()
			switch tc.key {
			case "keep":
			case "-":
				b.loseKey()
			case "":
				b.loseKey()
				if err := keyring.Create(t.Context(), b.office.Secrets, keyring.SecretName); err != nil {
					t.Fatal(err)
				}
			default:
				if err := b.office.Secrets.Put(t.Context(), keyring.SecretName, secret.New(tc.key)); err != nil {
					t.Fatal(err)
				}
			}
			if tc.row != "" {
				b.putLedger(password.Ledger{Person: ada, Enterprise: "acme", State: password.Active, Version: 3, Accepted: 3, Sealed: tc.row})
			}
			var one passwordView
			b.want(200, "GET", "/v1/enterprises/acme/people/"+ada+"/password", "", &one)
			if one.Locked != tc.reason || one.LockedText != password.Text(tc.reason) || one.State != password.Active {
				t.Errorf("one person: %+v", one)
			}
			var counts passwordCounts
			b.want(200, "GET", "/v1/enterprises/acme/passwords/status", "", &counts)
			want := map[string]int(nil)
			next := "account next send account generated password 3"
			if tc.reason != "" {
				want = map[string]int{tc.reason: 1}
				next = "account next wait account generated password 3 waits because " + tc.reason
			}
			if d := cmp.Diff(want, counts.Locked); d != "" {
				t.Errorf("counts: -want +got:\n%s", d)
			}
			var waiting page[previewView]
			b.want(200, "GET", "/v1/enterprises/acme/devices/d1/settings", "", &waiting)
			var got []string
			for _, v := range waiting.Items {
				got = append(got, shown(v))
			}
			if d := cmp.Diff([]string{next, "open next send account"}, got); d != "" {
				t.Errorf("preview: -want +got:\n%s", d)
			}
		})
	}
}

// TestPasswordKey_W8_ALostOneIsNotReplacedUnasked: what it sealed opens again once it is
// back, and a new one would stand in its way.
func TestPasswordKey_W8_ALostOneIsNotReplacedUnasked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sealedFor()
	b.loseKey()
	var got passwordKeyView
	b.want(200, "GET", keyPath, "", &got)
	if got.Set || !got.Lost {
		t.Errorf("lost: %+v", got)
	}
	b.refuse(409, "POST", keyPath, `{"rotate":true}`, "", "put its last version back")
	if _, err := b.office.Secrets.Access(t.Context(), keyring.SecretName); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a key set was made: %v", err)
	}
	got = passwordKeyView{}
	b.want(200, "POST", keyPath, `{"rotate":true,"anew":true}`, &got)
	if !got.Set || got.Lost || len(got.Keys) != 1 {
		t.Errorf("made anew: %+v", got)
	}
	if trail := b.trail(systemTrail); len(trail) != 1 || !strings.Contains(trail[0], "password-key.rotate") {
		t.Errorf("trail: %v", trail)
	}
}

// loseKey removes the key set.
func (b *bench) loseKey() {
	b.t.Helper()
	store, ok := b.office.Secrets.(*file.Store)
	if !ok {
		b.t.Fatal("the secrets are not in files")
	}
	if err := store.Delete(b.t.Context(), keyring.SecretName); err != nil {
		b.t.Fatal(err)
	}
}
