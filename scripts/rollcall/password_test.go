package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestPasswordCommands holds the outputs of the commands on passwords.
func TestPasswordCommands(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		setup func(*place)
		args  string
		code  int
	}{
		{"password-status", (*place).passwords, "password status", 0},
		{"password-status-json", (*place).passwords, "password status --json", 0},
		{"password-status-no-policy", (*place).company, "password status", 3},
		{"password-status-empty", func(p *place) { p.company(); p.policy() }, "password status", 0},
		{"password-status-active", (*place).passwords, "password status ada@example.com", 0},
		{"password-status-failed", (*place).passwords, "password status alan", 0},
		{"password-status-deferred", (*place).passwords, "password status carol", 0},
		{"password-status-waiting", (*place).passwords, "password status dan", 0},
		{"password-status-unknown", (*place).passwords, "password status eve", 0},
		{"password-status-leased", (*place).passwords, "password status fay@example.com", 0},
		{"password-status-none", (*place).passwords, "password status gus", 0},
		{"password-status-one-json", (*place).passwords, "password status " + keyAda + " --json", 0},
		{"password-status-nobody", (*place).passwords, "password status zoe@example.com", 3},
		{"password-list", (*place).passwords, "password list", 0},
		{"password-list-failed", (*place).passwords, "password list --state failed", 0},
		{"password-list-none", (*place).company, "password list", 0},
		{"password-list-bad", (*place).passwords, "password list --state lost", 2},
		{"password-renew", (*place).passwords, "password renew alan@example.com", 0},
		{"password-renew-now", (*place).passwords, "password renew --label sales --now --yes", 0},
		{"password-renew-json", (*place).passwords, "password renew alan carol --yes --json", 0},
		{"password-renew-dry-run", (*place).passwords, "password renew --all --dry-run", 0},
		{"password-renew-dry-run-json", (*place).passwords, "password renew --label sales --dry-run --json", 0},
		{"password-renew-dry-run-none", (*place).passwords, "password renew gus --dry-run", 0},
		{"password-renew-several-alone", (*place).passwords, "password renew alan carol", 2},
		{"password-renew-nobody", (*place).passwords, "password renew alan zoe", 3},
		{"password-renew-nothing", (*place).passwords, "password renew", 2},
		{"password-renew-both", (*place).passwords, "password renew alan --all", 2},
		{"password-renew-no-policy", (*place).company, "password renew alan", 4},
		{"password-policy", (*place).passwords, "password policy", 0},
		{"password-policy-json", (*place).passwords, "password policy acme --json", 0},
		{"password-policy-none", (*place).company, "password policy acme", 3},
		{"password-policy-new", (*place).company, "password policy --length 16", 0},
		{"password-policy-dry-run", (*place).passwords, "password policy acme --length 24 --rotate-days 4 --dry-run", 0},
		{"password-policy-set", (*place).passwords, "password policy --max-attempts 1 --rotate-on-loss=false", 0},
		{"password-policy-same", (*place).passwords, "password policy --length 20", 0},
		{"password-policy-bad", (*place).passwords, "password policy --length 7", 2},
		{"password-policy-dry-run-nothing", (*place).passwords, "password policy --dry-run", 2},
		{"password-policy-remove", (*place).passwords, "password policy --remove --yes", 0},
		{"password-policy-remove-alone", (*place).passwords, "password policy --remove", 2},
		{"password-policy-remove-needed", (*place).mailroom, "password policy --remove --yes", 4},
		{"password-key-none", (*place).acme, "password key", 0},
		{"password-key-none-json", (*place).acme, "password key --json", 0},
		{"password-key-lost", (*place).keyLost, "password key", 0},
		{"password-key-lost-rotate", (*place).keyLost, "password key --rotate", 4},
		{"password-key-anew-alone", (*place).keyLost, "password key --anew", 2},
		{"password-status-policy-removed", func(p *place) {
			p.passwords()
			p.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy("acme") })
		},
			"password status", 0},
		{"password-status-key-lost", (*place).keyLost, "password status", 0},
		{"password-status-one-key-lost", (*place).keyLost, "password status ada@example.com", 0},

		{"account-show-person", func(p *place) { p.passwords(); p.google() }, "account show ada@example.com", 0},
		{"account-show-person-json", func(p *place) { p.passwords(); p.google() }, "account show ada --json", 0},
		{"account-show-person-gone", func(p *place) { p.passwords(); p.google() }, "account show alan", 0},
		{"account-show-person-no-google", (*place).noGoogle, "account show " + keyAda, 0},
		{"account-show-person-unreachable", (*place).twins, "account show twin-1", 0},
		{"account-show-several", (*place).twins, "account show twin@example.com", 2},
		{"account-show-nobody", (*place).passwords, "account show zoe", 3},
		{"device-label", (*place).mailroom, "device label d2 d3 --add sales --remove north", 0},
		{"device-label-nothing", (*place).mailroom, "device label d2", 2},
		{"device-label-bad", (*place).mailroom, "device label d2 --add Sales!", 2},
		{"device-retire-lost", (*place).mailroom, "device retire d2 --lost", 0},
		{"device-retire-lost-kept", (*place).keptOnLoss, "device retire d2 --lost", 0},
		{"device-retire-lost-no-policy", func(p *place) {
			p.mailroom()
			p.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy("acme") })
		},
			"device retire d2 --lost", 0},
		{"device-list-labels", (*place).mailroom, "device list", 0},
		{"device-show-labels", (*place).mailroom, "device show d2", 0},
		{"directory-people-label", (*place).mailroom, "directory people label ada@example.com carol --add north", 0},
		{"directory-people-label-nobody", (*place).mailroom, "directory people label zoe --add north", 3},
		{"directory-people-labels", (*place).mailroom, "directory people", 0},
		{"directory-people-login", (*place).mailroom, "directory people carol", 0},
		{"status-passwords", (*place).mailroom, "status", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			tc.setup(p)
			p.shows(tc.name, tc.args, tc.code)
		})
	}
}

// shows runs a command and compares what it prints with the golden file.
func (p *place) shows(name, args string, want int) {
	p.t.Helper()
	code, out, errs := p.run(p.t.Context(), strings.Fields(strings.ReplaceAll(args, "DIR", p.dir))...)
	text := fmt.Sprintf("$ rollcall %s\n%s--- standard error, exit code %d\n%s", args, out, code, errs)
	if p.dir != "" {
		text = strings.ReplaceAll(text, p.dir, "DIR")
	}
	golden(p.t, name, text)
	if code != want {
		p.t.Errorf("exit code %d, want %d", code, want)
	}
	for _, secret := range []string{sealedText, "hunter2", "\x1b"} {
		if strings.Contains(text, secret) {
			p.t.Errorf("%q is shown", secret)
		}
	}
}

// twins are two people with one address, of whose Google accounts nothing can be
// learned.
func (p *place) twins() {
	p.passwords()
	p.google()
	for _, id := range []string{"twin-1", "twin-2"} {
		p.put(func(tx *record.Tx) error {
			return tx.PutPerson(person.Person{
				Key: person.KeyOf("acme", id), Enterprise: "acme", ID: id, State: person.Active, Settled: person.Granted,
				Entry: person.Entry{ID: id, Mail: "twin@example.com", Login: id, DisplayName: "Twin\x1b[2J"}, Google: person.Google{ID: "broken"},
			})
		})
	}
}

// noGoogle is a company whose directory does not ask Google.
func (p *place) noGoogle() {
	p.passwords()
	p.put(func(tx *record.Tx) error {
		c, err := tx.Directory("acme")
		if err != nil {
			return err
		}
		c.Mode, c.Google = "ldap-only", nil
		return tx.PutDirectory(c)
	})
}

func TestKeysAreMadeAndRotated(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.acme()
	code, out, errs := p.run(t.Context(), "password", "key", "--rotate")
	if code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(out, "seals, and opens") || !strings.Contains(errs, "password policy") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	_, shown, _ := p.run(t.Context(), "password", "key")
	if shown != out {
		t.Errorf("made %s, shows %s", out, shown)
	}
}

// TestRenewalOfSeveralAsks holds that nobody's password is renewed beside others'
// without a yes, and that the question has the number.
func TestRenewalOfSeveralAsks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in, args, question string
		person                   bool
		code, sent               int
	}{
		{"yes", "yes\n", "password renew --all", "Renew the passwords of 6 people (every person of acme), at Google when their devices check in?", true, 0, 1},
		{"no", "no\n", "password renew --all --now", "at Google at once", true, 1, 0},
		{"a label", "yes\n", "password renew --label sales", "Renew the passwords of 1 person (every person of acme with the label sales)", true, 0, 1},
		{"nobody to renew", "yes\n", "password renew --label north", "nobody there has a password", true, 1, 0},
		{"one is not asked for", "", "password renew alan", "", true, 0, 1},
		{"nobody there", "yes\n", "password renew --all", "add --yes", false, 2, 0},
		{"named so", "", "password renew --all --yes", "", false, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.passwords()
			p.in, p.person = strings.NewReader(tc.in), tc.person
			code, _, errs := p.run(t.Context(), strings.Fields(tc.args)...)
			if code != tc.code || p.bus.sent != tc.sent || !strings.Contains(errs, tc.question) {
				t.Errorf("code %d, %d events: %s", code, p.bus.sent, errs)
			}
		})
	}
}
