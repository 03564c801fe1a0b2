// Package dovecottest runs Dovecot's IMAP server for tests: a child process of the
// test on free loopback ports, which takes the access tokens that an endpoint of RFC
// 7662 says are good, and ends with the test.
package dovecottest

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

// Where Debian has Dovecot's parts; the second comes with dovecot-imapd alone.
const (
	program = "/usr/sbin/dovecot"
	login   = "/usr/lib/dovecot/imap-login"
)

// Options says how Dovecot is set up.
type Options struct {
	// Introspection is the URL of the endpoint of RFC 7662, with the name and the
	// password that it asks for: http://NAME:PASSWORD@127.0.0.1:PORT/PATH.
	Introspection string
	// Mechanisms are the SASL mechanisms on offer, default "xoauth2 oauthbearer".
	Mechanisms string
}

// Server is a running Dovecot. It may be used concurrently.
type Server struct {
	opt     Options
	account account
	dir     string
	name    string // its greeting, by which it is known
	roots   *x509.CertPool
	plain   int
	secure  int
	cmd     *exec.Cmd
	exited  chan struct{}
	ended   *sync.Once
}

// Need skips the test where Dovecot is not installed; in continuous integration
// (CI=true) it fails.
func Need(t testing.TB) {
	t.Helper()
	_, err := os.Stat(login)
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(login + " is missing: CI must install dovecot-imapd, as .ci/run does.")
	}
	t.Skip("Needs Dovecot's IMAP server: on Debian 'apt-get install dovecot-imapd'.")
}

// Start returns a server for the test, which ends with it; see Need. What Dovecot
// wrote is in the log of a test that fails.
func Start(t testing.TB, opt Options) *Server {
	t.Helper()
	Need(t)
	s, err := Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Dovecot's log:\n%s", s.log())
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Run starts a server, of Dovecot 2.3. Whoever runs it calls Stop; on Linux it also
// ends when this process is killed, though its files then stay in the folder for
// temporary ones.
func Run(ctx context.Context, opt Options) (*Server, error) {
	if opt.Mechanisms == "" {
		opt.Mechanisms = "xoauth2 oauthbearer"
	}
	who, err := whoRuns()
	if err != nil {
		return nil, err
	}
	s := &Server{opt: opt, account: who, name: "ready " + rand.Text()}
	if s.dir, err = who.folder(); err != nil {
		return nil, err
	}
	if err = s.start(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) log() []byte {
	b, _ := os.ReadFile(s.path("log")) // empty is all there is to show then
	return b[max(0, len(b)-4000):]
}

// Stop ends the server and removes its files. It may be called again.
func (s *Server) Stop() error {
	s.end()
	pace := retry.WithMaxDuration(5*time.Second, retry.NewConstant(time.Millisecond))
	return retry.Do(context.Background(), pace, func(context.Context) error {
		// A process may finish what it was at, such as making a file.
		return retry.RetryableError(os.RemoveAll(s.dir))
	})
}

// IMAP returns where the server is, for a client that trusts its authority. The
// certificate is for "localhost" and for no address.
func (s *Server) IMAP(how mail.TLS) imap.Server {
	port := s.secure
	if how == mail.StartTLS {
		port = s.plain
	}
	return imap.Server{Host: "localhost", Port: port, TLS: how, RootCAs: s.roots}
}

// Deliver puts a message into the INBOX of a mailbox.
func (s *Server) Deliver(mailbox string) error {
	dir := s.path("mail/" + mailbox + "/Maildir/new")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, rand.Text()), []byte("Subject: a message\r\n\r\nIts text.\r\n"), 0o644); err != nil {
		return err
	}
	return s.account.own(s.path("mail"))
}
