package examine_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestLDAPLines(t *testing.T) {
	t.Parallel()
	finds := func(phase directory.Phase, findings ...string) func(*site) {
		return func(s *site) { s.probe = func(r *directory.Run) { r.Phase, r.Findings = phase, findings } }
	}
	run(t, []lineTest{
		{"refused", finds(directory.Failed, "fail: LDAP: the password is wrong (ldap-bind-refused)", "fail: Google: x"),
			map[string]string{"ldap": "fail|The password is wrong (ldap-bind-refused). [Mend it"}},
		{"strange", finds(directory.Done, "pass: LDAP: the server answers", "warn: LDAP: nobody is found", "warn: LDAP: 3 entries have a problem: no-mail"),
			map[string]string{"ldap": "warn|3 entries have a problem: no-mail."}},
		{"Google alone is broken", finds(directory.Failed, "pass: LDAP: the server answers", "fail: Google: x"), nil},
		{"not tried", finds(directory.Failed), map[string]string{"ldap": "fail|did not try LDAP"}},
		{"under way for ever", func(s *site) {
			s.Deadline = 3 * time.Second
			finds(directory.Collecting)(s)
		}, map[string]string{"ldap": "warn|is not over within"}},
		{"never taken up", func(s *site) { s.Deadline, s.probe = 300*time.Millisecond, nil }, map[string]string{"ldap": "warn|did not take up"}},
		{"nobody to ask", func(s *site) { s.Probe = nil }, map[string]string{"ldap": "skip|not tried here"}},
	})
}

func TestMailLines(t *testing.T) {
	t.Parallel()
	says := func(reason string) func(*site) {
		return func(s *site) {
			s.SignIn = func(_ context.Context, mailbox string, token secret.Value) error {
				if g, ok := s.tokens.Grant(token.Reveal()); !ok || g.Subject != mailbox || mailbox != boss {
					s.t.Errorf("signs in to %s with %+v", mailbox, g)
				}
				return fault.New(fault.Permanent, reason, "In words.")
			}
		}
	}
	run(t, []lineTest{
		{"no mailbox", says(imap.ReasonToken), map[string]string{"imap-sign-in": "warn|In words. [If the administrator has no mailbox"}},
		{"IMAP off", says(imap.ReasonOff), map[string]string{"imap-sign-in": "warn|In words."}},
		{"not reached", says(imap.ReasonNetwork), map[string]string{"imap-sign-in": "fail|In words."}},
		{"an error without words", func(s *site) {
			s.SignIn = func(context.Context, string, secret.Value) error { return errors.New("PRIVATE") }
		},
			map[string]string{"imap-sign-in": "fail|The log of"}},
		{"not tried", func(s *site) { s.SignIn = nil }, map[string]string{"imap-sign-in": "skip|"}},
		{"clients revoked", func(s *site) {
			for _, id := range []string{"m0", "m1"} {
				s.put(func(tx *record.Tx) error {
					c, err := tx.MailClient(id)
					c.State = mailclient.Revoked
					return errors.Join(err, tx.PutMailClient(c))
				})
			}
		}, map[string]string{"imap-sign-in": "skip|No mail client"}},
	})
}

// TestMailLines_K2_WithoutAnAdministrator: a mailbox of a mail client's list tells
// whether the scope is granted, and what nothing can tell is not called well.
func TestMailLines_K2_WithoutAnAdministrator(t *testing.T) {
	t.Parallel()
	const ann = "ann@example.com"
	full, admin := "scope:"+mailclient.Full.URL(), "scope:"+mailclient.IMAPAdmin.URL()
	alone := func(then func(*site)) func(*site) {
		return func(s *site) {
			s.directory(func(c *directory.Config) { c.Mode, c.Google = directory.LDAPOnly, nil })
			s.put(func(tx *record.Tx) error {
				c, err := tx.MailClient("m0")
				c.Allow.Mailboxes = []string{ann}
				return errors.Join(err, tx.PutMailClient(c))
			})
			s.tokens.SetSubject(ann, googletest.SubjectActive)
			s.SignIn = func(_ context.Context, mailbox string, token secret.Value) error {
				if g, ok := s.tokens.Grant(token.Reveal()); !ok || g.Subject != ann || mailbox != ann {
					s.t.Errorf("signs in to %s with %+v", mailbox, g)
				}
				return nil
			}
			then(s)
		}
	}
	others := map[string]string{"subject": "skip|", "directory-api": "skip|", "google-settings": "skip|", "scope:" + doctor.ScopePolicies: "skip|", admin: "warn|no administrator is configured"}
	with := func(lines map[string]string) map[string]string {
		lines = maps.Clone(lines)
		for k, v := range others {
			lines[k] = v
		}
		return lines
	}
	run(t, []lineTest{
		{"granted", alone(func(*site) {}), with(map[string]string{full: "pass|is granted", "imap-sign-in": "pass|" + ann})},
		{"not granted", alone(func(s *site) { s.tokens.Delegate(s.account.Email) }), with(map[string]string{full: "fail|is not granted", "imap-sign-in": "skip|"})},
		{"no such mailbox", alone(func(s *site) { s.tokens.SetSubject(ann, googletest.SubjectSuspended) }),
			with(map[string]string{full: "warn|nobody can act as " + ann, "imap-sign-in": "skip|"})},
		{"the mailbox is closed", alone(func(s *site) {
			s.SignIn = func(context.Context, string, secret.Value) error {
				return fault.New(fault.Permanent, imap.ReasonOff, "In words.")
			}
		}), with(map[string]string{full: "pass|", "imap-sign-in": "fail|In words."})},
	})
}
