package imap_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	mailbox = "ann@example.com"
	token   = "ya29.token"
)

// script is a mail server that answers each line by its second word; %s in an answer
// is the line's tag, and "close" ends the connection.
type script map[string]string

func gmail(authenticate string) script {
	return script{
		"greeting":   "* OK Gimap ready",
		"CAPABILITY": "* CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN\r\n%s OK",
		"STARTTLS":   "%s OK", "AUTHENTICATE": authenticate, "NOOP": "%s OK", "LOGOUT": "* BYE\r\n%s OK",
	}
}

func (s script) serve(conn net.Conn, tlsConf *tls.Config) {
	defer func() { _ = conn.Close() }()
	say := func(format, tag string) bool {
		if format == "close" {
			return false
		}
		_, err := fmt.Fprint(conn, strings.ReplaceAll(format, "%s", tag)+"\r\n")
		return err == nil
	}
	if !say(s["greeting"], "*") {
		return
	}
	in, tag := bufio.NewReader(conn), ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if tag != "" { // the response that was asked for
			if !say(s["response"], tag) {
				return
			}
			tag = ""
			continue
		}
		if len(words) < 2 || !say(strings.TrimSuffix(s[words[1]], "\r\n"), words[0]) {
			return
		}
		if s[words[1]] == "+ \r\n" {
			tag = words[0]
		}
		if words[1] == "STARTTLS" {
			conn = tls.Server(conn, tlsConf)
			in = bufio.NewReader(conn)
		}
	}
}

// start serves and returns where, and the TLS configuration that trusts it.
func (s script) start(t *testing.T, how mail.TLS) (mail.IMAP, imap.Options) {
	t.Helper()
	https := httptest.NewTLSServer(nil) // for its certificate, which is example.com's
	t.Cleanup(https.Close)
	conf := &tls.Config{Certificates: https.TLS.Certificates, MinVersion: tls.VersionTLS12}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if how == mail.ImplicitTLS {
				conn = tls.Server(conn, conf)
			}
			go s.serve(conn, conf)
		}
	}()
	pool := x509.NewCertPool()
	pool.AddCert(https.Certificate())
	addr, _ := l.Addr().(*net.TCPAddr)
	return mail.IMAP{Host: "127.0.0.1", Port: addr.Port, TLS: how},
		imap.Options{Timeout: 10 * time.Second, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
}

func challenge(json string) string { return "+ " + base64.StdEncoding.EncodeToString([]byte(json)) }

const welcome = "* CAPABILITY IMAP4rev1\r\n%s OK ann@example.com authenticated (Success)"

func TestCheck_M4_SignsIn(t *testing.T) {
	t.Parallel()
	for _, how := range []mail.TLS{mail.ImplicitTLS, mail.StartTLS, mail.NoTLS} {
		server, o := gmail(welcome).start(t, how)
		if err := imap.Check(t.Context(), server, mailbox, secret.New(token), o); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
	// A server without SASL-IR asks for the response apart.
	slow := gmail("+ \r\n")
	slow["CAPABILITY"] = "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n%s OK"
	slow["response"] = welcome
	server, o := slow.start(t, mail.NoTLS)
	if err := imap.Check(t.Context(), server, mailbox, secret.New(token), o); err != nil {
		t.Errorf("without SASL-IR: %v", err)
	}
}

func TestCheck_M4_RefusalsAreToldInWords(t *testing.T) {
	t.Parallel()
	echo := "ya29.token user=ann"
	for _, tc := range []struct {
		name   string
		change func(s script)
		how    mail.TLS
		kind   fault.Kind
		reason string
	}{
		{"expired token", func(s script) {
			s["AUTHENTICATE"] = challenge(`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`)
		},
			mail.ImplicitTLS, fault.Denied, imap.ReasonToken},
		{"wrong scope", func(s script) { s["AUTHENTICATE"] = challenge(`{"status":"403","schemes":"Bearer"}`) }, mail.NoTLS, fault.Denied, imap.ReasonScope},
		{"challenge that echoes", func(s script) { s["AUTHENTICATE"] = challenge(`{"status":"` + echo + `","scope":"` + echo + `"}`) },
			mail.NoTLS, fault.Denied, imap.ReasonToken},
		{"refused without a challenge", func(s script) {
			s["AUTHENTICATE"] = "%s NO [AUTHENTICATIONFAILED] Invalid credentials (Failure) " + echo
		},
			mail.NoTLS, fault.Denied, imap.ReasonToken},
		{"IMAP is off", func(s script) {
			s["AUTHENTICATE"] = "%s NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page " + echo
		}, mail.NoTLS, fault.Denied, imap.ReasonOff},
		{"too many connections", func(s script) { s["AUTHENTICATE"] = "%s NO [ALERT] Too many simultaneous connections. (Failure)" },
			mail.NoTLS, fault.Exhausted, imap.ReasonBusy},
		{"server is ill", func(s script) { s["AUTHENTICATE"] = "%s NO [UNAVAILABLE] Temporary System Error " + echo }, mail.NoTLS, fault.Transient, imap.ReasonServer},
		{"command is not known", func(s script) { s["AUTHENTICATE"] = "%s BAD Unknown command " + echo }, mail.NoTLS, fault.Transient, imap.ReasonServer},
		{"no XOAUTH2", func(s script) { s["CAPABILITY"] = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%s OK" }, mail.NoTLS, fault.Permanent, imap.ReasonMechanism},
		{"challenge is no base64", func(s script) { s["AUTHENTICATE"] = "+ {" + echo }, mail.NoTLS, fault.Transient, imap.ReasonNetwork},
		{"goodbye", func(s script) { s["greeting"] = "* BYE " + echo }, mail.NoTLS, fault.Transient, imap.ReasonServer},
		{"taken, but ended", func(s script) { s["NOOP"] = "close" }, mail.NoTLS, fault.Transient, imap.ReasonNetwork},
		{"nonsense", func(s script) { s["greeting"] = "HTTP/1.1 400 Bad Request " + echo }, mail.NoTLS, fault.Transient, imap.ReasonNetwork},
		{"hangs up at once", func(s script) { s["greeting"] = "close" }, mail.NoTLS, fault.Transient, imap.ReasonNetwork},
		{"hangs up on the token", func(s script) { s["AUTHENTICATE"] = "close" }, mail.ImplicitTLS, fault.Transient, imap.ReasonNetwork},
		{"no STARTTLS", func(s script) { s["STARTTLS"] = "%s NO " + echo }, mail.StartTLS, fault.Permanent, imap.ReasonMechanism},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := gmail(welcome)
			tc.change(s)
			server, o := s.start(t, tc.how)
			err := imap.Check(t.Context(), server, mailbox, secret.New(token), o)
			if fault.KindOf(err) != tc.kind || fault.ReasonOf(err) != tc.reason {
				t.Fatalf("got %v %q %v", fault.KindOf(err), fault.ReasonOf(err), err)
			}
			for _, told := range []string{"ya29", "user=", "ann@", "Gmail settings", "credentials"} {
				if strings.Contains(err.Error(), told) {
					t.Errorf("the server's words are told: %v", err)
				}
			}
		})
	}
}

func TestCheck_WhereItIsNotSafe(t *testing.T) {
	t.Parallel()
	server, o := gmail(welcome).start(t, mail.ImplicitTLS)
	for name, tc := range map[string]struct {
		server mail.IMAP
		o      imap.Options
		reason string
	}{
		"nobody trusted signed": {server, imap.Options{}, imap.ReasonCertificate},
		"TLS of another host":   {mail.IMAP{Host: "localhost", Port: server.Port, TLS: server.TLS}, o, imap.ReasonCertificate},
		"no TLS on the port": {func() mail.IMAP {
			plain, _ := gmail(welcome).start(t, mail.NoTLS)
			plain.TLS = mail.ImplicitTLS
			return plain
		}(), o, imap.ReasonMechanism},
		"nobody there": {mail.IMAP{Host: "127.0.0.1", Port: 1, TLS: mail.NoTLS}, o, imap.ReasonNetwork},
	} {
		if err := imap.Check(t.Context(), tc.server, mailbox, secret.New(token), tc.o); fault.ReasonOf(err) != tc.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := imap.Check(t.Context(), server, "a\x01b", secret.New(token), o); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

// A server that says nothing takes no longer than the caller has.
func TestCheck_EndsWithTheCaller(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	addr, _ := l.Addr().(*net.TCPAddr)
	for _, how := range []mail.TLS{mail.ImplicitTLS, mail.StartTLS, mail.NoTLS} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			conn, err := l.Accept()
			if err == nil {
				defer func() { _ = conn.Close() }()
			}
			cancel()
			<-t.Context().Done()
		}()
		err := imap.Check(ctx, mail.IMAP{Host: "127.0.0.1", Port: addr.Port, TLS: how}, mailbox, secret.New(token), imap.Options{})
		if fault.ReasonOf(err) != imap.ReasonNetwork || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", how, err)
		}
	}
}
