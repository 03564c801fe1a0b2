package agent_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// wordy is a mail client's error with words for the operator.
type wordy struct{ reason, detail string }

func (w wordy) Error() string  { return w.reason + ": " + w.detail }
func (w wordy) Reason() string { return w.reason }
func (w wordy) Detail() string { return w.detail }

// TestInvariantE3MailClientsNeverEcho: whatever a mail client repeats of a password in
// its error, it is not in what the agent keeps, reports, returns or prints (E3, T2).
func TestInvariantE3MailClientsNeverEcho(t *testing.T) {
	t.Parallel()
	for _, password := range []string{generated, "SECRETPASSWORD_1234", "SHORTPW8"} {
		forms := []string{
			password, strings.Trim(fmt.Sprintf("%q", password), `"`), base64.StdEncoding.EncodeToString([]byte(password)), strings.ToLower(password),
			base64.StdEncoding.EncodeToString([]byte("\x00ada@corp.example\x00" + password)), fmt.Sprintf("%x", password),
		}
		for _, form := range forms {
			for _, err := range []error{
				wordy{"SIGN_IN_REFUSED", "LOGIN ada " + form}, wordy{form, form}, fault.New(fault.Denied, form, "%s", form), errors.New(form),
			} {
				p := newPhone(t, newServer(t))
				p.withMail().fail = func(string) error { return fmt.Errorf("mail: %w", err) }
				a := p.enrolled()
				p.server.mail.open = []protocol.Directive{sealed(t, p.keys, p.server.only().ID, "work", fmt.Sprintf(accountContent, "work", password))}
				p.server.plan = func(e agent.Endpoint, n int) trouble { // the outcome stays with the agent
					return trouble{dropBefore: e == agent.CheckInEndpoint && n > 1}
				}
				r, cerr := a.CheckIn(t.Context())
				if cerr == nil || len(r.Outcomes) == 0 || r.Outcomes[0].Result != protocol.Failed {
					t.Fatalf("CheckIn = %+v, %v", r, cerr)
				}
				out := fmt.Sprintf("%v %+v %#v %v %+v %s %+v", r, r, r.Outcomes, cerr, a.State(), p.stored, p.exchanges)
				for _, f := range forms {
					if strings.Contains(out, f) {
						t.Errorf("%T shows %q in %s", err, f, out)
					}
				}
				if o := r.Outcomes[0]; o.Detail != "" || o.Reason != "SIGN_IN_REFUSED" && o.Reason != agent.ReasonApplyFailed {
					t.Errorf("%T: outcome %+v", err, o)
				}
			}
		}
	}
}

// TestMail_TheClientsWordsReachTheOperator where the setting has no secret.
func TestMail_TheClientsWordsReachTheOperator(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want protocol.Outcome
	}{
		{wordy{"ACCOUNT_EXISTS", "another\naccount"}, protocol.Outcome{Reason: "ACCOUNT_EXISTS", Detail: "another account"}},
		{fault.New(fault.Conflict, agent.ReasonSettingUnsupported, "no IMAP"), protocol.Outcome{Reason: agent.ReasonSettingUnsupported}},
		{fault.New(fault.Conflict, "no-imap", "no IMAP"), protocol.Outcome{Reason: agent.ReasonApplyFailed}},
		{wordy{strings.Repeat("A", 65), strings.Repeat("ü", 300)}, protocol.Outcome{Reason: agent.ReasonApplyFailed, Detail: strings.Repeat("ü", 256)}},
		{errDisk, protocol.Outcome{Reason: agent.ReasonApplyFailed}},
	} {
		p := newPhone(t, newServer(t))
		p.withMail().fail = func(string) error { return tc.err }
		a := p.enrolled()
		p.server.mail.open = []protocol.Directive{apply("voice", fmt.Sprintf(imapContent, "voice"))}
		r, err := a.CheckIn(t.Context())
		if err != nil || !r.Converged {
			t.Fatalf("CheckIn = %+v, %v", r, err)
		}
		tc.want.DirectiveID, tc.want.Result = "set-voice", protocol.Failed
		if got := p.server.mail.outcomes; len(got) != 1 || got[0] != tc.want {
			t.Errorf("%v: outcomes %+v, want %+v", tc.err, got, tc.want)
		}
	}
}
