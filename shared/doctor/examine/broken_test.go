package examine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// TestExamine_K2_EverythingHangs: nothing answers, not even those who were told that
// the time is over, and the report is there in time with a line for each.
func TestExamine_K2_EverythingHangs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, well := s.look()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	hang := func(context.Context) error { <-over; return nil }
	s.faults.Add(googletest.Script{Method: "*", Latency: time.Hour})
	s.Play = func(ctx context.Context, _ string) error { return hang(ctx) }
	s.Probe = func(ctx context.Context, _ directory.Config) (string, error) { return "", hang(ctx) }
	s.DeadLetters = hanging{over}
	s.Secrets = hanging{over}
	s.Deadline = time.Second
	began := time.Now()
	r, by := s.look()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	s.wants(by, map[string]string{
		"store": "pass|", "bus": "fail|did not answer within 1s", "password-key": "fail|did not answer", "key": "fail|did not answer",
		"clock": "skip|took all the time", "proof": "skip|", "subject": "skip|", "play": "fail|did not answer", "ldap": "fail|did not answer",
	})
	if r.Worst != doctor.Fail || len(by) != len(well)-3 { // Google's own settings have one line together
		t.Errorf("%s, %d lines, %d if all is well", r.Worst, len(by), len(well))
	}
}

// TestExamine_K2_GoogleHangs: those who take notice of the time say so themselves.
func TestExamine_K2_GoogleHangs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.faults.Add(googletest.Script{Method: "*", Latency: time.Hour})
	s.Deadline = time.Second
	_, by := s.look()
	s.wants(by, map[string]string{
		"store": "pass|", "bus": "pass|", "key": "pass|", "clock": "fail|Google did not answer in time", "play": "pass|", "ldap": "pass|",
		"proof": "fail|could not be asked", "subject": "skip|", "google-settings": "skip|",
	})
}

// TestExamine_K2_EverythingIsBroken: each tells for itself, and none hides another.
func TestExamine_K2_EverythingIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.setKey("{}")
	s.must(s.secrets.Put(t.Context(), keyring.SecretName, secret.New("x")))
	s.faults.Add(googletest.Script{Method: "*", Mode: googletest.DropBefore})
	s.Play = func(context.Context, string) error { return fault.New(fault.Transient, "x", "Broken.") }
	s.busErr = fault.New(fault.Transient, "x", "Broken.")
	r, by := s.look()
	s.wants(by, map[string]string{
		"store": "pass|", "bus": "fail|", "password-key": "fail|", "key": "fail|", "clock": "fail|", "proof": "skip|", "play": "fail|", "ldap": "fail|",
		"subject": "skip|", "directory-api": "skip|", "imap-sign-in": "skip|", "google-settings": "skip|",
	})
	if r.Worst != doctor.Fail {
		t.Errorf("the worst is %s", r.Worst)
	}
}

// TestExamine_K2_TheStoreFails: what was not read is told, and the rest is looked at.
func TestExamine_K2_TheStoreFails(t *testing.T) {
	t.Parallel()
	what := []string{"enterprise", "directory", "password policy", "mail settings", "mail clients"}
	for k, name := range what {
		s := newSite(t)
		s.store.Fail(k+1, storetest.Before)
		_, by := s.look()
		s.wants(by, map[string]string{
			"store": "fail|does not give the " + name + ", so", "bus": "pass|", "key": "pass|", "clock": "pass|", "google-settings": "skip|could not be read",
		})
		if want := map[bool]string{true: "skip: Not looked at", false: "pass"}[name == "enterprise"]; !strings.HasPrefix(by["play"], want) {
			t.Errorf("%s: %s", name, by["play"])
		}
	}
	s := newSite(t)
	s.store.Crash(1, storetest.Before)
	_, by := s.look()
	s.wants(by, map[string]string{"store": "fail|the enterprise, the directory, the password policy, the mail settings, the mail clients", "bus": "pass|", "key": "pass|", "ldap": "skip|"})
}

// TestExamine_ADefectIsOneLine: a check that panics ends neither the process nor the
// examination.
func TestExamine_ADefectIsOneLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Play = func(context.Context, string) error { panic("defect") }
	r, by := s.look()
	s.wants(by, map[string]string{"play": "fail|broken itself", "ldap": "pass|"})
	if r.Worst != doctor.Fail || !strings.Contains(s.log.String(), "defect") {
		t.Errorf("%s; the log says %s", r.Worst, s.log)
	}
}

// TestExamine_AsksAnew: what was mended is seen at once, whatever was refused before.
func TestExamine_AsksAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tokens.Delegate(s.account.Email)
	s.tokens.SetSubject(boss, googletest.SubjectUnknown)
	if r, _ := s.look(); r.Worst != doctor.Fail {
		t.Fatal(r.Worst)
	}
	s.tokens.Delegate(s.account.Email, everything...)
	s.tokens.SetSubject(boss, googletest.SubjectActive)
	if r, by := s.look(); r.Worst != doctor.Pass {
		t.Error(r.Worst, by)
	}
}

// TestExamine_AlertsNobody: what an admin is told needs no line at Error, on which
// somebody is woken.
func TestExamine_AlertsNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tokens.DeleteKey(s.account.Email, s.account.KeyID)
	if _, by := s.look(); !strings.HasPrefix(by["proof"], "fail") {
		t.Fatal(by["proof"])
	}
	if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "the doctor found a failure") {
		t.Error(log)
	}
}

// TestExamine_E3_TellsNoSecrets, and copies nothing of what servers say, neither into
// lines nor into the log.
func TestExamine_E3_TellsNoSecrets(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, skip := range []int{0, 2, 7} {
		for _, status := range []int{400, 401, 403, 500} {
			s := newSite(t)
			s.faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: status, Skip: skip})
			s.probe = func(r *directory.Run) {
				r.Phase, r.Findings = directory.Done, []string{"pass: LDAP: the server answers as SERVERTEXT 1"}
			}
			r, _ := s.look()
			text, err := json.Marshal(r)
			s.must(err)
			fmt.Fprintf(&all, "%s %s", text, s.log)
			secrets := append(s.tokens.Secrets(), "PRIVATE KEY", "Bearer", "eyJ", "ya29", "assertion=", "SERVERTEXT")
			for _, word := range secrets {
				if strings.Contains(all.String(), word) {
					t.Fatalf("%d after %d calls: %.20s is told:\n%s", status, skip, word, all.String())
				}
			}
		}
	}
	if !strings.Contains(all.String(), "the doctor found a failure") {
		t.Error("nothing was logged")
	}
}

// TestExamine_ChangesNothing: it only reads, but for the probe that it asks for.
func TestExamine_ChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Probe = nil
	s.store.Fail(0, storetest.Before)
	s.look()
	if n := s.store.Count(); n != 5 {
		t.Errorf("%d store operations, want 5", n)
	}
	records, _, err := s.DB.Audit(t.Context(), acme, time.Time{}, record.Page{Limit: 10})
	if err != nil || len(records) > 0 {
		t.Errorf("%v, %v", records, err)
	}
	for count := range s.faults.Counts() {
		if strings.Contains(count.Method, "insert") || strings.Contains(count.Method, "update") || strings.Contains(count.Method, "signOut") {
			t.Errorf("it calls %s", count.Method)
		}
	}
}

// hanging never answers.
type hanging struct{ over chan struct{} }

func (h hanging) List(context.Context, int) ([]event.DeadLetter, error) { <-h.over; return nil, nil }
func (h hanging) Replay(context.Context, string) error                  { return nil }
func (h hanging) Access(context.Context, string) (secret.Value, error) {
	<-h.over
	return secret.Value{}, nil
}

func (h hanging) Newest(ctx context.Context, name string) (v secret.Value, n secret.Version, err error) {
	v, err = h.Access(ctx, name)
	return v, n, err
}
