package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestDirectoryCommands holds the outputs of the commands on directories.
func TestDirectoryCommands(t *testing.T) {
	t.Parallel()
	waiting := directory.Run{
		ID: strings.Repeat("q", 26), Kind: directory.Sync, Phase: directory.Quarantined, RequestedBy: "system:directory",
		StartedAt: clock.Add(-2 * time.Hour), Breaches: breaches,
		Reason: directory.BreachDrop, Advice: "Look at a few of the people who are said to be missing.",
	}
	quarantined := func(p *place) { p.company(); p.became(p.plan(waiting)) }
	done := func(p *place) func(directory.Run) {
		return func(run directory.Run) {
			run.Phase = directory.Done
			p.putRun(p.plan(run))
		}
	}
	failed := func(p *place) func(directory.Run) {
		return func(run directory.Run) {
			run.Phase, run.Reason = directory.Failed, "ldap-bind-refused"
			run.Advice = "The directory's server refuses the service account. Check its DN and its password, and that it is neither locked nor expired."
			p.became(run)
		}
	}
	for _, tc := range []struct {
		name  string
		setup func(*place)
		args  string
		code  int
	}{
		{"directory-configure-new", func(p *place) { p.acme(); p.write("password", "hunter2\n") },
			"directory configure acme --mode read-only --ldap-url ldaps://ldap.example.com --base-dn ou=people,dc=example,dc=com" +
				" --bind-dn cn=rollcall,dc=example,dc=com --bind-password-file DIR/password --google-subject admin@example.com", 0},
		{"directory-configure-none", (*place).acme, "directory configure", 3},
		{"directory-configure-bad", (*place).acme, "directory configure --mode read-only --ldap-url ldap.example.com --google-subject admin@example.com", 2},
		{"directory-configure-mode", (*place).company, "directory configure --mode ldap-only", 0},
		{"directory-configure-yaml", func(p *place) {
			p.acme()
			p.write("d.yaml", "mode: google-only\ngoogle:\n  subject: admin@example.com\n  orgUnits: [/Sales, /Support]\npaused: true\n")
		}, "directory configure --file DIR/d.yaml", 0},
		{"directory-configure-yaml-unknown", func(p *place) { p.acme(); p.write("d.yaml", "mode: google-only\ngoogel: {}\n") }, "directory configure --file DIR/d.yaml", 2},
		{"directory-configure-yaml-broken", func(p *place) { p.acme(); p.write("d.yaml", "mode: [\n") }, "directory configure --file DIR/d.yaml", 2},
		{"directory-configure-no-file", (*place).acme, "directory configure --file /nowhere/d.yaml", 2},
		{"directory-configure-both", (*place).acme, "directory configure --file x --mode ldap-only", 2},
		{"directory-configure-show", (*place).company, "directory configure --show", 0},
		{"directory-configure-show-json", (*place).company, "directory configure --show --json", 0},
		{"directory-configure-remove", (*place).company, "directory configure --remove --yes", 0},
		{"directory-configure-remove-alone", (*place).company, "directory configure --remove", 2},

		{"directory-status-none", (*place).acme, "directory status", 3},
		{"directory-status", (*place).company, "directory status", 0},
		{"directory-status-new", func(p *place) {
			p.acme()
			p.put(func(tx *record.Tx) error {
				return tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.LDAPOnly, Paused: true, Revision: 1})
			})
		}, "directory status acme", 0},
		{"directory-status-quarantined", quarantined, "directory status", 0},
		{"directory-status-quarantined-flag", func(p *place) { quarantined(p); delete(p.env, "ROLLCALL_ENTERPRISE") }, "directory status acme", 0},
		{"directory-status-incomplete", func(p *place) {
			p.company()
			run := p.plan(waiting)
			run.Incomplete, run.Counts.Withdraws, run.Advice = "ldap-size-limit", 0, "Repair the cause and start another run."
			run.Breaches = []directory.Breach{{Reason: directory.BreachIncomplete, Text: "what was read is not all of the directory (ldap-size-limit), so nobody's absence means anything"}}
			p.became(run)
		}, "directory status", 0},
		{"directory-status-failed", func(p *place) {
			p.company()
			failed(p)(directory.Run{ID: strings.Repeat("f", 26), Kind: directory.Sync, StartedAt: clock.Add(-time.Minute), EndedAt: clock.Add(-50 * time.Second)})
		}, "directory status", 0},
		{"directory-status-rejected", func(p *place) {
			p.company()
			p.became(directory.Run{ID: strings.Repeat("j", 26), Kind: directory.Sync, Phase: directory.Rejected, Reason: "nobody-listed", StartedAt: clock.Add(-2 * time.Minute), EndedAt: clock.Add(-time.Minute)})
		}, "directory status", 0},
		{"directory-status-reconfigured", func(p *place) {
			p.company()
			p.became(directory.Run{ID: strings.Repeat("q", 26), Kind: directory.Sync, Phase: directory.Quarantined, StartedAt: clock.Add(-time.Hour),
				Breaches: []directory.Breach{{Reason: directory.BreachEmpty, Text: "the directory lists nobody; last time it listed 1204"}}, Reason: directory.BreachEmpty})
			p.put(func(tx *record.Tx) error {
				c, err := tx.Directory("acme")
				if err != nil {
					return err
				}
				c.Revision++
				return tx.PutDirectory(c)
			})
		}, "directory status", 0},
		{"directory-configure-no-name", (*place).company, "directory configure --google-key-file=", 2},
		{"directory-configure-no-number", (*place).company, "directory configure --grace-days many", 2},
		{"directory-status-waits", func(p *place) {
			p.company()
			p.became(directory.Run{ID: strings.Repeat("w", 26), Kind: directory.Sync, Phase: directory.Collecting, StartedAt: clock.Add(-time.Minute), Reason: "ldap-unreachable", Advice: "The directory's server cannot be reached."})
		}, "directory status", 0},
		{"directory-status-silent", func(p *place) {
			p.company()
			p.became(directory.Run{ID: strings.Repeat("w", 26), Kind: directory.Sync, Phase: directory.Applying, StartedAt: clock.Add(-time.Hour)})
			p.put(func(tx *record.Tx) error {
				return tx.PutDirectoryState(directory.State{Enterprise: "acme", Run: strings.Repeat("w", 26), Beat: clock.Add(-3 * time.Minute)})
			})
		}, "directory status", 0},
		{"directory-status-json", quarantined, "directory status --json", 0},

		{"directory-test", func(p *place) {
			p.company()
			p.obeys(func(run directory.Run) {
				run.Phase = directory.Done
				run.Findings = []string{directory.Pass + "LDAP: connected to ldaps://ldap.example.com (OpenLDAP 2.6)", directory.Pass + "Google: 1180 accounts"}
				run.Sample = []person.Entry{
					{ID: "e-1815", Mail: "ada@example.com", Login: "ada", DisplayName: "Ada Lovelace", Enabled: person.Yes, Unit: "ou=people,dc=example,dc=com"},
					{ID: "e-9", GivenName: "No", FamilyName: "Mail"},
				}
				p.putRun(run)
			})
		}, "directory test", 0},
		{"directory-test-warn", func(p *place) {
			p.company()
			p.obeys(func(run directory.Run) {
				run.Phase, run.Findings = directory.Done, []string{directory.Pass + "LDAP: connected", directory.Warn + "LDAP: changes alone cannot be read, so each sync reads everything", "something"}
				run.Note(directory.Problem{ID: "e-9", Name: "No Mail", Reason: directory.ProblemNoMail})
				p.putRun(run)
			})
		}, "directory test", 6},
		{"directory-test-fail", func(p *place) {
			p.company()
			p.obeys(func(run directory.Run) {
				run.Phase, run.Findings = directory.Done, []string{directory.Warn + "LDAP: slow", directory.Fail + "Google: the scope is not granted"}
				p.putRun(run)
			})
		}, "directory test", 1},
		{"directory-test-failed", func(p *place) { p.company(); p.obeys(failed(p)) }, "directory test", 1},

		{"directory-plan", func(p *place) {
			p.company()
			p.obeys(func(directory.Run) {}, func(run directory.Run) {
				run.Phase, run.Breaches = directory.Done, breaches
				p.putRun(p.plan(run))
			})
		}, "directory plan", 0},
		{"directory-plan-limit", func(p *place) { p.company(); p.obeys(done(p)) }, "directory plan acme --limit 2", 0},
		{"directory-plan-json", func(p *place) { p.company(); p.obeys(done(p)) }, "directory plan --json", 0},
		{"directory-plan-nothing", func(p *place) {
			p.company()
			p.obeys(func(run directory.Run) {
				run.Phase, run.Counts = directory.Done, directory.Counts{Listed: 1204, Before: 1204, GoogleListed: 1180, GoogleBefore: 1180}
				p.putRun(run)
			})
		}, "directory plan", 0},
		{"directory-plan-failed", func(p *place) { p.company(); p.obeys(failed(p)) }, "directory plan", 1},
		{"directory-plan-quarantined", quarantined, "directory plan", 4},
		{"directory-plan-anew", func(p *place) { quarantined(p); p.obeys(done(p)) }, "directory plan --anew --full --limit 1", 0},
		{"directory-plan-run", quarantined, "directory plan --run " + waiting.ID, 0},
		{"directory-plan-run-missing", quarantined, "directory plan --run x", 3},

		{"directory-run", (*place).company, "directory run --full", 0},
		{"directory-run-json", (*place).company, "directory run --json", 0},
		{"directory-run-under-way", func(p *place) {
			p.company()
			p.became(directory.Run{ID: lastRun, Kind: directory.Sync, Phase: directory.Applying})
		}, "directory run", 4},
		{"directory-run-wait", func(p *place) {
			p.company()
			p.obeys(func(run directory.Run) {
				run.Phase = directory.Collecting
				p.putRun(run)
			}, func(run directory.Run) {
				run.Phase, run.Reason, run.Advice = directory.Collecting, "ldap-unreachable", "The directory's server cannot be reached."
				p.putRun(run)
			}, func(run directory.Run) {
				run = p.plan(run)
				run.Phase, run.Counts.Done = directory.Done, map[directory.Action]int{directory.Add: 1, directory.Update: 1}
				run.Counts.Withheld, run.Counts.Failed = 1, 2
				run.Decision = &directory.Decision{By: "admin:ada@example.com", At: clock.Add(-time.Second), AdditionsOnly: true}
				p.putRun(run)
			})
		}, "directory run --wait", 0},
		{"directory-run-wait-quarantined", func(p *place) {
			quarantined(p)
			p.obeys(func(run directory.Run) {
				run.Phase, run.Breaches, run.EndedAt = directory.Quarantined, breaches, time.Time{}
				run.Reason, run.Advice = waiting.Reason, waiting.Advice
				p.became(p.plan(run))
			})
		}, "directory run --wait", 4},
		{"directory-run-wait-failed-json", func(p *place) { p.company(); p.obeys(failed(p)) }, "directory run --wait --json", 1},

		{"directory-approve", quarantined, "directory approve " + waiting.ID, 0},
		{"directory-approve-additions", quarantined, "directory approve --additions-only " + waiting.ID, 0},
		{"directory-approve-json", quarantined, "directory approve --json " + waiting.ID, 0},
		{"directory-approve-over", quarantined, "directory approve " + lastRun, 4},
		{"directory-approve-nothing", quarantined, "directory approve", 2},
		{"directory-reject", quarantined, "directory reject " + waiting.ID, 0},

		{"directory-people", (*place).company, "directory people", 0},
		{"directory-people-state", (*place).company, "directory people --state leaving", 0},
		{"directory-people-none", (*place).acme, "directory people", 0},
		{"directory-people-nobody", (*place).company, "directory people eve@example.com", 3},
		{"directory-people-json", (*place).company, "directory people --login alan --json", 0},
		{"directory-people-ada", (*place).company, "directory people ADA@example.com", 0},
		{"directory-people-bob", (*place).company, "directory people " + keyBob, 0},
		{"directory-people-missing", (*place).company, "directory people nobody", 3},
		{"directory-people-twice", (*place).company, "directory people nobody --state gone", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.dir = t.TempDir()
			tc.setup(p)
			code, out, errs := p.run(t.Context(), strings.Fields(strings.ReplaceAll(tc.args, "DIR", p.dir))...)
			text := fmt.Sprintf("$ rollcall %s\n%s--- standard error, exit code %d\n%s", tc.args, out, code, errs)
			text = strings.ReplaceAll(text, p.dir, "DIR")
			golden(t, tc.name, text)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, secret := range []string{"hunter2", "digest-of-a-hash", "\x1b"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is shown", secret)
				}
			}
		})
	}
}
