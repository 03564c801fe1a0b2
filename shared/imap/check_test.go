package imap_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/imap/dovecottest"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// failed holds an error to its reason, and to telling nothing of the token.
func failed(t *testing.T, err error, kind fault.Kind, reason string, token secret.Value) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.ReasonOf(err) != reason || fault.As(err).Public == "" {
		t.Errorf("got %v (%s, %s), want %s, %s", err, fault.KindOf(err), fault.ReasonOf(err), kind, reason)
	}
	if err != nil && strings.Contains(err.Error(), token.Reveal()) {
		t.Errorf("the token is in %v", err)
	}
}

func TestCheck_M4_SignsInToARealServer(t *testing.T) {
	t.Parallel()
	dovecottest.Need(t)
	google := newProvider(t)
	s := dovecottest.Start(t, dovecottest.Options{Introspection: google.introspection})
	for range 2 {
		if err := s.Deliver(ann); err != nil {
			t.Fatal(err)
		}
	}
	good := google.token(ann, dovecottest.Scope, 0)
	for how, messages := range map[mail.TLS]int{mail.ImplicitTLS: 2, mail.StartTLS: 2} {
		got, err := imap.Check(t.Context(), s.IMAP(how), ann, good)
		if err != nil || got.Messages != messages || !slices.Contains(got.Capabilities, "IDLE") {
			t.Errorf("%s: %+v, %v", how, got, err)
		}
	}
	wrongName, unknown, noTLS := s.IMAP(mail.ImplicitTLS), s.IMAP(mail.ImplicitTLS), s.IMAP(mail.StartTLS)
	wrongName.Host, unknown.RootCAs, noTLS.TLS = "127.0.0.1", x509.NewCertPool(), mail.ImplicitTLS
	wrongNameToo, unknownToo := s.IMAP(mail.StartTLS), s.IMAP(mail.StartTLS)
	wrongNameToo.Host, unknownToo.RootCAs = "127.0.0.1", nil
	for _, tc := range []struct {
		name    string
		server  imap.Server
		mailbox string
		token   secret.Value
		reason  string
	}{
		// Dovecot, as Gmail, does not say what is wrong with a token.
		{"an expired token", s.IMAP(mail.ImplicitTLS), ann, google.token(ann, dovecottest.Scope, 2*time.Hour), imap.ReasonToken},
		{"another mailbox's", s.IMAP(mail.ImplicitTLS), bob, good, imap.ReasonToken},
		{"another scope's", s.IMAP(mail.ImplicitTLS), ann, google.token(ann, calendar, 0), imap.ReasonToken},
		{"no token", s.IMAP(mail.StartTLS), ann, secret.New("ya29.made-up"), imap.ReasonToken},
		{"a certificate of another name", wrongName, ann, good, imap.ReasonCertificate},
		{"a certificate of an unknown authority", unknown, ann, good, imap.ReasonCertificate},
		{"STARTTLS, another name", wrongNameToo, ann, good, imap.ReasonCertificate},
		{"STARTTLS, unknown authority", unknownToo, ann, good, imap.ReasonCertificate},
		{"TLS at the port of STARTTLS", noTLS, ann, good, imap.ReasonTLS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := imap.Check(t.Context(), tc.server, tc.mailbox, tc.token)
			failed(t, err, fault.Permanent, tc.reason, tc.token)
		})
	}
}

func TestCheck_TellsAServerWithoutXOAUTH2(t *testing.T) {
	t.Parallel()
	s := dovecottest.Start(t, dovecottest.Options{Introspection: "http://127.0.0.1:9/", Mechanisms: "oauthbearer"})
	token := secret.New("ya29.good")
	_, err := imap.Check(t.Context(), s.IMAP(mail.ImplicitTLS), ann, token)
	failed(t, err, fault.Permanent, imap.ReasonMechanism, token)
}
