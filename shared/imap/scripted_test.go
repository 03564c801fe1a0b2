package imap_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

// hello is the greeting of a server that offers XOAUTH2.
const hello = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready"

// script is what a server says: "hello", and an answer for each command, in which TAG
// is the command's tag. The line that answers a challenge is the command "". A command
// without an answer has the server hang.
type script map[string]string

// scripted is a server that follows a script, one connection at a time.
type scripted struct {
	t      *testing.T
	script script
	tls    *tls.Config // nil for a server without TLS
	listen net.Listener
	roots  *x509.CertPool
	// hangs is called when the server has nothing to say.
	hangs func()
}

func newScripted(t *testing.T, says script, options ...func(*scripted)) *scripted {
	t.Helper()
	// For its certificate, which is for 127.0.0.1.
	web := httptest.NewTLSServer(nil)
	web.Close()
	s := &scripted{t: t, script: says, tls: &tls.Config{Certificates: web.TLS.Certificates}, roots: x509.NewCertPool(), hangs: func() {}}
	s.roots.AddCert(web.Certificate())
	for _, option := range options {
		option(s)
	}
	var err error
	if s.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := s.listen.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = s.listen.Close()
		<-done
	})
	return s
}

func withoutTLS(s *scripted) { s.tls = nil }

func (s *scripted) imap(how mail.TLS) imap.Server {
	return imap.Server{Host: "127.0.0.1", Port: s.listen.Addr().(*net.TCPAddr).Port, TLS: how, RootCAs: s.roots}
}

// serve speaks until the client goes or the script has an answer that ends with BYE.
func (s *scripted) serve(conn net.Conn) {
	defer conn.Close()
	if s.tls != nil {
		conn = tls.Server(conn, s.tls)
	}
	lines := bufio.NewScanner(conn)
	say := func(command, tag string) (more bool) {
		answer, ok := s.script[command]
		if !ok {
			s.hangs()
			return lines.Scan()
		}
		_, err := conn.Write([]byte(strings.ReplaceAll(answer, "TAG", tag) + "\r\n"))
		return err == nil && !strings.HasPrefix(answer, "* BYE")
	}
	if !say("hello", "") {
		return
	}
	for lines.Scan() {
		tag, rest, _ := strings.Cut(lines.Text(), " ")
		command, _, _ := strings.Cut(rest, " ")
		if !say(command, tag) {
			return
		}
		if !strings.HasPrefix(s.script[command], "+") {
			continue
		}
		// A challenge that says something is a refusal: an empty line answers it.
		if !lines.Scan() {
			return
		}
		if (lines.Text() == "") == (s.script[command] == noChallenge) {
			s.t.Errorf("%s was answered with %q", s.script[command], lines.Text())
		}
		if !say("", tag) {
			return
		}
	}
}

// noChallenge is what a server says that takes no initial response with the command.
const noChallenge = "+ "

// challenge is a refusal on the wire.
func challenge(text string) string { return "+ " + base64.StdEncoding.EncodeToString([]byte(text)) }
