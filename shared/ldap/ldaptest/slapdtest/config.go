package slapdtest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

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

const (
	adminPassword  = "administrator"
	readerPassword = "reader's password"
)

func (s *Server) adminDN() string  { return "cn=admin," + s.opt.BaseDN }
func (s *Server) readerDN() string { return "cn=reader," + s.opt.BaseDN }

// URL is where the server listens: ldap://, with StartTLS where there is TLS.
func (s *Server) URL() string { return "ldap://" + s.address }

// SecureURL is where it listens with TLS, if it does: ldaps://.
func (s *Server) SecureURL() string { return "ldaps://" + s.secure }

// CA is the PEM certificate of the authority that the server's certificate comes
// from.
func (s *Server) CA() string { return s.ca }

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
