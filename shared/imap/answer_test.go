package imap_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	gmails    = `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`
	noMoreOK  = "TAG NO LEAK (Failure)"
	signedIn  = "TAG OK [CAPABILITY IMAP4rev1 IDLE] LEAK"
	invalid   = "TAG NO [AUTHENTICATIONFAILED] Invalid credentials LEAK (Failure)"
	notEnable = "TAG NO [ALERT] Your account is not enabled for IMAP use. LEAK (Failure)"
)

func TestCheck_TellsInWordsWhatServersSay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		says   script
		kind   fault.Kind
		reason string
	}{
		{"Gmail's refusal", script{"hello": hello, "AUTHENTICATE": challenge(gmails), "": invalid}, fault.Permanent, imap.ReasonToken},
		{"no more than a refusal", script{"hello": hello, "AUTHENTICATE": challenge(gmails), "": "TAG BAD LEAK"}, fault.Permanent, imap.ReasonToken},
		{"a scope that is too small", script{"hello": hello, "AUTHENTICATE": challenge(`{"status":"insufficient_scope"}`), "": invalid}, fault.Permanent, imap.ReasonScope},
		{"a scope told as 403", script{"hello": hello, "AUTHENTICATE": challenge(`{"status":"403","scope":"LEAK"}`), "": noMoreOK}, fault.Permanent, imap.ReasonScope},
		{"a fault told in JSON", script{"hello": hello, "AUTHENTICATE": challenge(`{"status":"500"}`), "": noMoreOK}, fault.Transient, imap.ReasonServer},
		{"a refusal that is no JSON", script{"hello": hello, "AUTHENTICATE": challenge("LEAK"), "": invalid}, fault.Permanent, imap.ReasonToken},
		{"a refusal without JSON", script{"hello": hello, "AUTHENTICATE": invalid}, fault.Permanent, imap.ReasonToken},
		{"another person's token", script{"hello": hello, "AUTHENTICATE": "TAG NO [AUTHORIZATIONFAILED] LEAK"}, fault.Permanent, imap.ReasonMailbox},
		{"refusals for ever", script{"hello": hello, "AUTHENTICATE": challenge(gmails), "": challenge(gmails)}, fault.Permanent, imap.ReasonToken},
		{"IMAP off for the person", script{"hello": hello, "AUTHENTICATE": notEnable}, fault.Permanent, imap.ReasonOff},
		{"IMAP off after a refusal", script{"hello": hello, "AUTHENTICATE": challenge(gmails), "": notEnable}, fault.Permanent, imap.ReasonOff},
		{"IMAP off for the domain", script{"hello": hello, "AUTHENTICATE": "TAG NO [ALERT] IMAP access is disabled for your domain. LEAK"}, fault.Permanent, imap.ReasonOff},
		{"a browser wanted", script{"hello": hello, "AUTHENTICATE": "TAG NO [WEBALERT https://accounts.google.com/LEAK] Web login required."}, fault.Permanent, imap.ReasonRefused},
		{"too many connections", script{"hello": hello, "AUTHENTICATE": "TAG NO [ALERT] Too many simultaneous connections. (Failure)"}, fault.Exhausted, imap.ReasonBusy},
		{"too much traffic", script{"hello": hello, "AUTHENTICATE": signedIn, "STATUS": "TAG NO [OVERQUOTA] Account exceeded command or bandwidth limits."}, fault.Exhausted, imap.ReasonBusy},
		{"too many, at once", script{"hello": "* BYE [UNAVAILABLE] Too many simultaneous connections LEAK"}, fault.Exhausted, imap.ReasonBusy},
		{"a fault for the moment", script{"hello": hello, "AUTHENTICATE": "TAG NO [UNAVAILABLE] Temporary System Problem LEAK"}, fault.Transient, imap.ReasonServer},
		{"no service at the moment", script{"hello": "* BYE LEAK"}, fault.Transient, imap.ReasonServer},
		{"an unknown refusal", script{"hello": hello, "AUTHENTICATE": "TAG NO [XLEAK] LEAK"}, fault.Permanent, imap.ReasonRefused},
		{"no INBOX", script{"hello": hello, "AUTHENTICATE": signedIn, "STATUS": "TAG NO [NONEXISTENT] LEAK"}, fault.Permanent, imap.ReasonRefused},
		{"cut at the sign-in", script{"hello": hello, "AUTHENTICATE": "* BYE LEAK"}, fault.Transient, imap.ReasonNetwork},
		{"no XOAUTH2", script{"hello": "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] LEAK"}, fault.Permanent, imap.ReasonMechanism},
		{"signed in already", script{"hello": "* PREAUTH [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] LEAK"}, fault.Permanent, imap.ReasonMechanism},
		{"no IMAP", script{"hello": "220 LEAK ESMTP"}, fault.Permanent, imap.ReasonProtocol},
		{"no IMAP after the greeting", script{"hello": hello, "AUTHENTICATE": "LEAK"}, fault.Permanent, imap.ReasonProtocol},
		{"BAD", script{"hello": hello, "AUTHENTICATE": "TAG BAD LEAK"}, fault.Permanent, imap.ReasonProtocol},
		{"a challenge that is no base64", script{"hello": hello, "AUTHENTICATE": "+ LEAK!"}, fault.Permanent, imap.ReasonProtocol},
		{"a line that is too long", script{
			"hello": hello + strings.Repeat("LEAK", 1<<17), "AUTHENTICATE": signedIn, "STATUS": "TAG OK", "LOGOUT": "TAG OK",
		}, fault.Permanent, imap.ReasonProtocol},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			token := secret.New("ya29.of-ann")
			_, err := imap.Check(t.Context(), newScripted(t, tc.says).imap(mail.ImplicitTLS), ann, token)
			failed(t, err, tc.kind, tc.reason, token)
			if err != nil && strings.Contains(err.Error(), "LEAK") {
				t.Errorf("the server's text is in %v", err)
			}
		})
	}
}

func TestCheck_ReadsTheNumberOfMessages(t *testing.T) {
	t.Parallel()
	const inbox = "* STATUS INBOX (MESSAGES 42)\r\nTAG OK done"
	for name, says := range map[string]script{
		"Gmail's way":     {"hello": hello, "AUTHENTICATE": signedIn, "STATUS": inbox, "LOGOUT": "* BYE\r\nTAG OK gone"},
		"without SASL-IR": {"hello": "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2]", "AUTHENTICATE": noChallenge, "": signedIn, "STATUS": inbox, "LOGOUT": "* BYE"},
		"asked for capabilities": {
			"hello": "* OK", "CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE AUTH=XOAUTH2 SASL-IR\r\nTAG OK done",
			"AUTHENTICATE": signedIn, "STATUS": inbox, "LOGOUT": "TAG NO stay",
		},
	} {
		got, err := imap.Check(t.Context(), newScripted(t, says).imap(mail.ImplicitTLS), ann, secret.New("ya29.of-ann"))
		if err != nil || got.Messages != 42 || strings.Join(got.Capabilities, " ") != "IDLE IMAP4rev1" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestCheck_EndsWhenItsTimeEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		how  mail.TLS
		tls  bool
		says script
	}{
		{"at the greeting", mail.ImplicitTLS, true, script{}},
		{"at the sign-in", mail.ImplicitTLS, true, script{"hello": hello}},
		{"at the end of a refusal", mail.ImplicitTLS, true, script{"hello": hello, "AUTHENTICATE": challenge(gmails)}},
		{"at INBOX", mail.ImplicitTLS, true, script{"hello": hello, "AUTHENTICATE": signedIn}},
		{"at capabilities", mail.ImplicitTLS, true, script{"hello": "* OK"}},
		{"at the greeting, without TLS", mail.StartTLS, false, script{}},
		{"at STARTTLS", mail.StartTLS, false, script{"hello": hello}},
		{"at TLS", mail.StartTLS, false, script{"hello": hello, "STARTTLS": "TAG OK go"}},
		{"at TLS, from the first byte", mail.ImplicitTLS, false, script{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// The time ends when the server hangs, so that nobody waits for it.
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := newScripted(t, tc.says, func(s *scripted) {
				s.hangs = cancel
				if !tc.tls {
					withoutTLS(s)
				}
			})
			token := secret.New("ya29.of-ann")
			_, err := imap.Check(ctx, s.imap(tc.how), ann, token)
			failed(t, err, fault.Transient, imap.ReasonDeadline, token)
		})
	}
}

func TestCheck_TellsWhatIsWrongWithTheWay(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	_ = closed.Close()
	noStartTLS := newScripted(t, script{"hello": hello, "STARTTLS": "TAG BAD LEAK"}, withoutTLS)
	busy := newScripted(t, script{"hello": "* BYE LEAK"}, withoutTLS)
	noIMAP := newScripted(t, script{"hello": "220 LEAK ESMTP"}, withoutTLS)
	noTLS := newScripted(t, script{"hello": hello, "STARTTLS": "TAG OK go\r\nLEAK LEAK LEAK"}, withoutTLS)
	for _, tc := range []struct {
		name   string
		server imap.Server
		kind   fault.Kind
		reason string
	}{
		{"nobody there", imap.Server{Host: "127.0.0.1", Port: port, TLS: mail.ImplicitTLS}, fault.Transient, imap.ReasonNetwork},
		{"no STARTTLS", noStartTLS.imap(mail.StartTLS), fault.Permanent, imap.ReasonTLS},
		{"cut before STARTTLS", busy.imap(mail.StartTLS), fault.Transient, imap.ReasonNetwork},
		{"no IMAP before STARTTLS", noIMAP.imap(mail.StartTLS), fault.Permanent, imap.ReasonProtocol},
		{"no TLS after STARTTLS", noTLS.imap(mail.StartTLS), fault.Permanent, imap.ReasonTLS},
		{"no host", imap.Server{Port: 993, TLS: mail.ImplicitTLS}, fault.Invalid, "invalid-field"},
		{"a URL for a host", imap.Server{Host: "imaps://imap.gmail.com", Port: 993, TLS: mail.ImplicitTLS}, fault.Invalid, "invalid-field"},
		{"no port", imap.Server{Host: "127.0.0.1", TLS: mail.ImplicitTLS}, fault.Invalid, "invalid-field"},
		{"a port too high", imap.Server{Host: "127.0.0.1", Port: 65536, TLS: mail.ImplicitTLS}, fault.Invalid, "invalid-field"},
		{"no TLS", imap.Server{Host: "127.0.0.1", Port: 143, TLS: mail.NoTLS}, fault.Invalid, "invalid-field"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			token := secret.New("ya29.of-ann")
			_, err := imap.Check(t.Context(), tc.server, ann, token)
			failed(t, err, tc.kind, tc.reason, token)
			if err != nil && strings.Contains(err.Error(), "LEAK") {
				t.Errorf("the server's text is in %v", err)
			}
		})
	}
	for _, mailbox := range []string{"", "ann@example.com\x01auth=Bearer x"} {
		if _, err := imap.Check(t.Context(), busy.imap(mail.StartTLS), mailbox, secret.New("t")); fault.As(err) == nil || fault.As(err).Field != "mailbox" {
			t.Errorf("%q: %v", mailbox, err)
		}
	}
}
