// Package slapdtest runs OpenLDAP's server for tests: a child process of the test
// on a free loopback port, with a directory of its own that ends with the test.
package slapdtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

// Where Debian has OpenLDAP's parts.
const (
	program   = "/usr/sbin/slapd"
	modules   = "/usr/lib/ldap"
	schemaDir = "/etc/ldap/schema"
)

// Options says how OpenLDAP is set up; its zero value is a server without overlays.
type Options struct {
	// BaseDN is the one database, default dc=example,dc=com. Its entry comes with
	// the LDIF.
	BaseDN string
	// SyncProvider adds the overlay for RFC 4533, and SessionLog has it remember so
	// many changes, by which it can tell deletions one by one.
	SyncProvider bool
	SessionLog   int
	// SizeLimit is how many entries a search gives, the service account's included;
	// 0 is no limit.
	SizeLimit int
	// TLS offers StartTLS and ldaps:// with a certificate for 127.0.0.1.
	TLS bool
	// Global and Database are more lines of slapd.conf.
	Global, Database string
	// LDIF is what the directory holds at first, as slapadd(8) reads it: without a
	// version line, and parents first. The function LDIF makes such.
	LDIF io.Reader
}

// Server is a running slapd. It may be used concurrently.
type Server struct {
	opt     Options
	dir     string
	address string
	secure  string
	ca      string
	cmd     *exec.Cmd
	exited  chan struct{}
	log     *bytes.Buffer
}

// Need skips the test where slapd is not installed; in continuous integration
// (CI=true) it fails.
func Need(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(program + " is missing: CI must install slapd, as .ci/run does.")
	}
	t.Skip("Needs OpenLDAP's server: on Debian 'apt-get install slapd'.")
}

// Start returns a server for the test, which ends with it; see Need.
func Start(t testing.TB, opt Options) *Server {
	t.Helper()
	Need(t)
	s, err := Run(t.Context(), t.TempDir(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Run starts a server that keeps its files in dir, which must be empty and have a
// path without spaces. Whoever runs it calls Stop.
func Run(ctx context.Context, dir string, opt Options) (*Server, error) {
	if opt.BaseDN == "" {
		opt.BaseDN = "dc=example,dc=com"
	}
	s := &Server{opt: opt, dir: dir}
	if err := os.Mkdir(s.path("db"), 0o700); err != nil {
		return nil, err
	}
	if opt.TLS {
		files, ca, err := ldaptest.Certificate()
		if err != nil {
			return nil, err
		}
		s.ca = ca
		for name, content := range map[string]string{"ca.pem": ca, "cert.pem": files.Certificate, "key.pem": files.Key} {
			if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
				return nil, err
			}
		}
	}
	if err := os.WriteFile(s.path("slapd.conf"), []byte(s.config()), 0o600); err != nil {
		return nil, err
	}
	if opt.LDIF != nil {
		add := exec.CommandContext(ctx, program, "-T", "add", "-q", "-f", s.path("slapd.conf"))
		add.Stdin = opt.LDIF
		if out, err := add.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("slapadd: %w\n%s", err, tail(out))
		}
	}
	return s, s.start(ctx)
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// start runs slapd until it answers, on another port where the first is taken.
func (s *Server) start(ctx context.Context) error {
	for try := 0; ; try++ {
		ports, err := freePorts(2)
		if err != nil {
			return err
		}
		s.address, s.secure = ports[0], ports[1]
		urls := "ldap://" + s.address
		if s.opt.TLS {
			urls += " ldaps://" + s.secure
		}
		s.log = &bytes.Buffer{}
		// In the foreground with its weightiest words (-d none), and ended by Stop
		// rather than with the context: a database is closed in order.
		s.cmd = exec.Command(program, "-d", "none", "-f", s.path("slapd.conf"), "-h", urls)
		s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
		if err := s.cmd.Start(); err != nil {
			return err
		}
		s.exited = make(chan struct{})
		go func() {
			defer close(s.exited)
			_ = s.cmd.Wait()
		}()
		if s.answers(ctx) {
			return nil
		}
		s.Stop()
		if try == 3 || ctx.Err() != nil {
			return fmt.Errorf("slapd did not start:\n%s", tail(s.log.Bytes()))
		}
	}
}

// answers waits until somebody listens, or slapd is gone, or 30 s passed.
func (s *Server) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
			return true
		}
		select {
		case <-s.exited:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// Stop ends the server and waits until it is gone. It may be called again.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

func freePorts(n int) (addresses []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }
