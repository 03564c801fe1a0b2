package agent_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// mailed returns an enrolled phone that the server has three settings for, one to
// withdraw, and the account.
func mailed(t *testing.T) (*phone, *agent.Agent) {
	t.Helper()
	p := newPhone(t, newServer(t))
	p.withMail().has["old"] = "something"
	a := p.enrolled()
	id := p.server.only().ID
	p.server.mail.open = []protocol.Directive{
		sealed(t, p.keys, id, "work", fmt.Sprintf(accountContent, "work", generated)),
		sealed(t, p.keys, id, "app", fmt.Sprintf(managedContent, "app", generated)),
		apply("voice", fmt.Sprintf(imapContent, "voice")),
		withdraw("old"),
	}
	return p, a
}

var allMail = map[string]string{
	"work": "ada@corp.example " + generated, "app": "com.example.mail 993 " + generated, "voice": "ada@corp.example",
}

func TestMail_SettingsAreAppliedAndWithdrawn(t *testing.T) {
	t.Parallel()
	p, a := mailed(t)
	r, err := a.CheckIn(t.Context())
	if err != nil || !r.Converged || r.Rounds != 2 || len(r.Outcomes) != 5 {
		t.Fatalf("CheckIn = %+v, %v; want converged after 2 rounds with 5 outcomes", r, err)
	}
	if diff := cmp.Diff(allMail, p.mailbox.has); diff != "" {
		t.Errorf("the mail client has (-want +got):\n%s", diff)
	}
	p.wantConverged()
	want := []string{"unset-old", "set-work", "set-app", "set-voice"}
	var got []string
	for _, o := range r.Outcomes[:4] {
		got = append(got, o.DirectiveID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestMail_AccountsAndSettingsDoNotWaitForEachOther: what fails for a setting keeps
// neither the account nor another setting back, and what fails for the account keeps no
// setting back; neither is tried again within the CheckIn.
func TestMail_AccountsAndSettingsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	broken := fault.New(fault.Conflict, agent.ReasonMailClientMissing, "")
	for _, tc := range []struct {
		name    string
		prepare func(p *phone)
		missing []string // the settings that the mail client does not have
		account bool     // the account is there
		mail    []string // the outcomes of settings that are not done
		rounds  int
	}{
		{"nothing fails", func(*phone) {}, nil, true, nil, 2},
		{"the first setting fails", func(p *phone) {
			p.mailbox.fail = func(s string) error { return map[string]error{"work": broken}[s] }
		}, []string{"work"}, true, []string{"set-work MAIL_CLIENT_MISSING"}, 2},
		{"every setting fails without a reason", func(p *phone) {
			p.mailbox.fail = func(string) error { return errDisk }
		}, []string{"work", "app", "voice"}, true, []string{
			"unset-old REMOVE_SETTING_FAILED", "set-work APPLY_SETTING_FAILED", "set-app APPLY_SETTING_FAILED", "set-voice APPLY_SETTING_FAILED"}, 2},
		{"the account is not added", func(p *phone) { p.addErr = errDisk }, nil, false, nil, 2},
		{"a foreign account is not removed", func(p *phone) {
			p.accounts = []protocol.Account{{Name: "foreign", State: protocol.AccountReady}}
			p.removeErr = errDisk
		}, nil, false, nil, 2},
		{"no token, by an operator's hand", func(p *phone) {
			p.server.plan = func(e agent.Endpoint, _ int) trouble {
				return map[agent.Endpoint]trouble{agent.TokenEndpoint: {status: 403, reason: "needs-operator"}}[e]
			}
		}, nil, false, nil, 2},
		{"no token for now", func(p *phone) {
			p.server.plan = func(e agent.Endpoint, _ int) trouble {
				return map[agent.Endpoint]trouble{agent.TokenEndpoint: {status: 429, reason: "token-limit", retryAfter: 900}}[e]
			}
		}, nil, false, nil, 2},
		{"the client comes later", func(p *phone) {
			p.mailbox.fail = func(s string) error {
				return map[string]error{"app": fmt.Errorf("installing: %w", agent.ErrNotYet)}[s]
			}
		}, []string{"app"}, true, nil, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, a := mailed(t)
			tc.prepare(p)
			r, err := a.CheckIn(t.Context())
			if err != nil || r.Rounds != tc.rounds {
				t.Fatalf("CheckIn = %+v, %v; want %d rounds", r, err, tc.rounds)
			}
			for setting, want := range allMail {
				if slices.Contains(tc.missing, setting) {
					want = ""
				}
				if got := p.mailbox.has[setting]; got != want {
					t.Errorf("%s is %q, want %q", setting, got, want)
				}
			}
			if p.holds(accountName) != tc.account {
				t.Errorf("accounts %v", p.accounts)
			}
			var failed []string
			for _, o := range p.server.mail.outcomes {
				if o.Result == protocol.Failed {
					failed = append(failed, o.DirectiveID+" "+o.Reason)
				}
			}
			if diff := cmp.Diff(tc.mail, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMail_WhatComesAfterAFailedAccountIsFollowed: the reply to a failure brings
// settings and a new addAccount; the settings are done, the account is for the next
// CheckIn.
func TestMail_WhatComesAfterAFailedAccountIsFollowed(t *testing.T) {
	t.Parallel()
	p, a := mailed(t)
	late := p.server.mail.open
	p.server.mail.open, p.addErr = nil, errDisk
	p.step = func() {
		p.server.mu.Lock()
		defer p.server.mu.Unlock()
		if p.server.requests["token"] == 1 && len(p.server.reports) == 1 {
			p.server.mail.open = late
		}
	}
	r, err := a.CheckIn(t.Context())
	if err != nil || r.Rounds != 3 || p.server.requests["token"] != 1 {
		t.Fatalf("CheckIn = %+v, %v with %d tokens; want 3 rounds with 1", r, err, p.server.requests["token"])
	}
	if diff := cmp.Diff(allMail, p.mailbox.has); diff != "" {
		t.Errorf("the mail client has (-want +got):\n%s", diff)
	}
	p.addErr, p.step = nil, func() {}
	if r, err = a.CheckIn(t.Context()); err != nil || !r.Converged {
		t.Errorf("next CheckIn = %+v, %v", r, err)
	}
}

// TestMail_NotTakenBeforeTheClientIsThere: what is put off is not reported and not
// forgotten.
func TestMail_NotTakenBeforeTheClientIsThere(t *testing.T) {
	t.Parallel()
	p, a := mailed(t)
	p.mailbox.fail = func(string) error { return agent.ErrNotYet }
	if r, err := a.CheckIn(t.Context()); err != nil || r.Converged || len(p.server.mail.outcomes) != 0 || len(r.Pending) != 4 {
		t.Fatalf("CheckIn = %+v, %v with outcomes %v", r, err, p.server.mail.outcomes)
	}
	p.wantConverged()
	p.mailbox.fail = nil
	if r, err := a.CheckIn(t.Context()); err != nil || !r.Converged {
		t.Fatalf("CheckIn = %+v, %v", r, err)
	}
	if diff := cmp.Diff(allMail, p.mailbox.has); diff != "" {
		t.Errorf("the mail client has (-want +got):\n%s", diff)
	}
}

// TestMail_WithoutAClientSettingsArePassedOver as kinds that the agent does not know.
func TestMail_WithoutAClientSettingsArePassedOver(t *testing.T) {
	t.Parallel()
	p, _ := mailed(t)
	p.mailbox = nil
	r, err := p.start().CheckIn(t.Context())
	if err != nil || r.Rounds != 2 || len(r.Unknown) != 4 || len(r.Outcomes) != 1 {
		t.Fatalf("CheckIn = %+v, %v; want the account alone", r, err)
	}
	p.wantConverged()
}
