package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/doctor/examine"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// examined is what a doctor may say; whoever reads it as golden file is an administrator
// who has to understand it.
func examined(worst doctor.Status) doctor.Report {
	line := func(g doctor.Group, check string, s doctor.Status, what, advice, where string) doctor.Line {
		return doctor.Line{Group: g, Check: check, Status: s, What: what, Advice: advice, Where: where}
	}
	lines := []doctor.Line{
		line(doctor.Service, "store", doctor.Pass, "The store answers.", "", ""),
		line(doctor.Credential, "key", doctor.Pass, "The service account is sync@p.iam.gserviceaccount.com, client id 104123456789012345678, with the key 0123456789abcdef (SHA-256 74a73f4f98905559f6b825d2e5155535acd41f5500caf7dc563eabc3c65bb661).", "", ""),
		doctor.Clock(0),
		line(doctor.Delegation, "scope:"+doctor.ScopeReadUsers, doctor.Pass, "The scope "+doctor.ScopeReadUsers+" is granted, to read Google's directory.", "", ""),
	}
	s := doctor.Situation{Enterprise: "acme", Passwords: &password.Policy{}}
	if worst == doctor.Warn || worst == doctor.Fail {
		lines[2] = doctor.Clock(time.Minute)
	}
	if worst == doctor.Fail {
		lines = append(lines, line(doctor.Delegation, "scope:"+doctor.ScopeUsers, doctor.Fail,
			"The scope "+doctor.ScopeUsers+" is not granted to the service account. It is needed to set generated passwords.",
			"Add it to the scopes of the client id 104123456789012345678 (the number, not the address), beside those that are there. A new grant takes minutes, at worst a day.", doctor.AtDelegation))
	}
	if worst == doctor.Skip {
		lines = nil
	}
	lines = append(lines, line(doctor.LDAP, "ldap", doctor.Skip, "No LDAP directory is configured.", "", ""))
	if worst == doctor.Fail {
		lines = append(lines, s.PasswordLines([]doctor.GooglePassword{{Min: 20, Max: 100, Expires: 90 * 24 * time.Hour}})...)
	}
	return doctor.Report{Enterprise: "acme", At: clock, Worst: doctor.Worst(lines), Lines: lines}
}

// TestDoctor_Output tells an administrator what to do where, and a program how bad it is.
func TestDoctor_Output(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		worst doctor.Status
		args  string
		code  int
	}{
		{"doctor-pass", doctor.Pass, "doctor", exitDone},
		{"doctor-warn", doctor.Warn, "doctor acme", exitWarned},
		{"doctor-fail", doctor.Fail, "doctor acme", exitFailed},
		{"doctor-fail-json", doctor.Fail, "doctor --json", exitFailed},
		{"doctor-skip", doctor.Skip, "doctor", exitDone},
		{"doctor-two", doctor.Pass, "doctor acme beta", exitUsage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/v1/enterprises/acme/doctor" {
					t.Errorf("asked %s %s", r.Method, r.URL)
				}
				_ = json.NewEncoder(w).Encode(examined(tc.worst))
			}))
			t.Cleanup(server.Close)
			p.env["ROLLCALL_URL"] = server.URL
			code, out, errs := p.run(t.Context(), strings.Fields(tc.args)...)
			golden(t, tc.name, fmt.Sprintf("$ rollcall %s\n%s--- standard error, exit code %d\n%s", tc.args, out, code, errs))
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for line := range strings.Lines(out) {
				if len([]rune(line)) > reportWidth+20 && !strings.Contains(line, "https://") && tc.name != "doctor-fail-json" {
					t.Errorf("the line is too long: %s", line)
				}
			}
		})
	}
}

// TestDoctor_OfARealAdmin goes all the way to a simulated Google: what is broken there
// is told here, and what is mended is seen at the next try.
func TestDoctor_OfARealAdmin(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.company()
	sim := workspacetest.New(workspacetest.Options{})
	t.Cleanup(sim.Close)
	sim.AddCustomer("example.com")
	if _, err := sim.AddAdmin("admin@example.com"); err != nil {
		t.Fatal(err)
	}
	account, err := sim.NewServiceAccount("sync")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.office.Secrets.Put(t.Context(), directory.KeySecret("acme"), secret.NewBytes(account.JSON)); err != nil {
		t.Fatal(err)
	}
	p.office.Doctor = func(context.Context) (*examine.Examiner, error) {
		return &examine.Examiner{
			DB: p.db, Secrets: p.office.Secrets, DeadLetters: p.bus, Endpoint: sim.URL, Now: p.office.Now,
			Deadline: 2 * time.Second, Log: slog.New(slog.DiscardHandler),
		}, nil
	}
	server := httptest.NewServer(p.office.Handler(api.Edge{Function: "admin", Log: slog.New(slog.DiscardHandler), Now: p.office.Now}))
	t.Cleanup(server.Close)
	p.env["ROLLCALL_URL"] = server.URL
	sim.Tokens.Delegate(account.Email, doctor.ScopeUsers)
	code, out, errs := p.run(t.Context(), "doctor")
	if code != exitFailed || !strings.Contains(out, "fail  The scope "+doctor.ScopeSecurity) || !strings.Contains(out, account.ClientID) || !strings.Contains(errs, "1 thing does not work") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if !strings.Contains(out, "warn  The function directorysync did not take up the test of LDAP") {
		t.Errorf("of LDAP it says:\n%s", out)
	}
	sim.Tokens.Delegate(account.Email, doctor.ScopeSecurity)
	if code, out, errs = p.run(t.Context(), "doctor", "acme"); code != exitWarned || strings.Contains(out, "fail") {
		t.Errorf("after it was granted: %d\n%s%s", code, out, errs)
	}
	sim.Faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: 500})
	if code, out, errs = p.run(t.Context(), "doctor", "--json"); code != exitFailed {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	for _, word := range append(sim.Tokens.Secrets(), "PRIVATE KEY", "eyJ", "ya29") {
		if strings.Contains(out+errs, word) {
			t.Errorf("%.20s is told", word)
		}
	}
	if code, _, _ := p.run(t.Context(), "doctor", "beta"); code != exitNotFound {
		t.Errorf("of nobody: exit code %d", code)
	}
}
