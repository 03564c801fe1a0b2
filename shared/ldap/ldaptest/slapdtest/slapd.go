// Package slapdtest runs OpenLDAP's server for tests: a child process of the test
// on a free loopback port, with a directory of its own that ends with the test.
package slapdtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/secret"
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
	// LDIF is what the directory holds at first, in the form of RFC 2849.
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

// config is slapd.conf(5). The service account is the database's own, so that it
// reads whatever the access rules are.
func (s *Server) config() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, name := range []string{"core", "cosine", "inetorgperson"} {
		line("include %s/%s.schema", schemaDir, name)
	}
	line("modulepath %s\nmoduleload back_mdb", modules)
	if s.opt.SyncProvider {
		line("moduleload syncprov")
	}
	if s.opt.TLS {
		line("TLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s", s.path("ca.pem"), s.path("cert.pem"), s.path("key.pem"))
	}
	line("sizelimit unlimited\n%s", s.opt.Global)
	line("database mdb\nmaxsize 1073741824\nsuffix %q\nrootdn %q\nrootpw %q\ndirectory %s", s.opt.BaseDN, s.adminDN(), adminPassword, s.path("db"))
	// It is a test's: nothing has to outlive the machine.
	line("dbnosync\nindex objectClass,entryUUID,entryCSN,uid,mail eq")
	line("access to attrs=userPassword by anonymous auth by dn.exact=%q read by * none\naccess to * by dn.exact=%q read by * none", s.readerDN(), s.readerDN())
	if s.opt.SizeLimit > 0 {
		line("limits * size=%d size.prtotal=%d", s.opt.SizeLimit, s.opt.SizeLimit)
	}
	if s.opt.SyncProvider {
		line("overlay syncprov")
		if s.opt.SessionLog > 0 {
			line("syncprov-sessionlog %d", s.opt.SessionLog)
		}
	}
	line("%s", s.opt.Database)
	return b.String()
}

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

const (
	adminPassword  = "administrator"
	readerPassword = "reader's password"
)

func (s *Server) adminDN() string  { return "cn=admin," + s.opt.BaseDN }
func (s *Server) readerDN() string { return "cn=reader," + s.opt.BaseDN }

// URL is ldap://, SecureURL ldaps:// where there is TLS, and CA the PEM certificate
// of the authority.
func (s *Server) URL() string       { return "ldap://" + s.address }
func (s *Server) SecureURL() string { return "ldaps://" + s.secure }
func (s *Server) CA() string        { return s.ca }

// Config describes the server to a client: without TLS, as the service account.
func (s *Server) Config() directory.LDAP {
	return directory.LDAP{
		URL: s.URL(), Security: directory.Plain, BindDN: s.readerDN(), Schema: directory.OpenLDAP, BaseDN: s.opt.BaseDN,
	}
}

// Password returns the service account's password.
func (s *Server) Password(context.Context) (secret.Value, error) {
	return secret.New(readerPassword), nil
}

// LDIF returns the text of a directory with these entries, the base, ou=people and
// the service account.
func LDIF(base string, entries iter.Seq[ldaptest.Entry]) io.Reader {
	all := func(yield func(ldaptest.Entry) bool) {
		for _, e := range []ldaptest.Entry{
			{DN: base, Attributes: map[string][]string{"objectClass": {"dcObject", "organization"}, "dc": {"example"}, "o": {"Example"}}},
			{DN: "ou=people," + base, Attributes: map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {"people"}}},
			{DN: "cn=reader," + base, Attributes: map[string][]string{
				"objectClass": {"organizationalRole", "simpleSecurityObject"}, "cn": {"reader"}, "userPassword": {readerPassword},
			}},
		} {
			if !yield(e) {
				return
			}
		}
		entries(yield)
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(ldaptest.WriteLDIF(w, all)) }()
	return r
}
