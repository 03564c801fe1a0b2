package dovecottest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"
)

// Scope is the scope that a token must have.
const Scope = "https://mail.google.com/"

// config is dovecot.conf of Dovecot 2.3, for one user without root's rights
// (HowTo/Rootless of its wiki).
func (s *Server) config() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("base_dir = %s\nstate_dir = %s\nlog_path = /dev/stderr", s.path("run"), s.path("run"))
	line("default_internal_user = %s\ndefault_internal_group = %s\ndefault_login_user = %s", s.account.user, s.account.group, s.account.user)
	line("first_valid_uid = 1\nfirst_valid_gid = 1")
	line("protocols = imap\nlisten = 127.0.0.1\nlogin_greeting = %s", s.name)
	line("ssl = required\nssl_cert = <%s\nssl_key = <%s", s.path("cert.pem"), s.path("key.pem"))
	line("mail_location = maildir:~/Maildir")
	// Refusals are what is tested: they come at once, however many there were.
	line("auth_mechanisms = %s\nauth_verbose = yes\nauth_failure_delay = 0", s.opt.Mechanisms)
	line("service anvil {\n chroot =\n unix_listener anvil-auth-penalty {\n  mode = 0\n }\n}")
	line("passdb {\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = %s\n}", s.path("oauth2.conf.ext"))
	line("userdb {\n driver = static\n args = uid=%s gid=%s home=%s/%%u\n}", s.account.user, s.account.group, s.path("mail"))
	line("service stats {\n chroot =\n}")
	line("service imap-login {\n chroot =\n inet_listener imap {\n  port = %d\n }\n inet_listener imaps {\n  port = %d\n  ssl = yes\n }\n}", s.plain, s.secure)
	return b.String()
}

// oauth2 is the configuration of the passdb.
func (s *Server) oauth2() string {
	return "introspection_mode = post\nintrospection_url = " + s.opt.Introspection + "\n" +
		"username_attribute = username\nactive_attribute = active\nactive_value = true\n" +
		"scope = " + Scope + "\ntimeout_msecs = 10000\n"
}

// certify makes the server's certificate, which is its own authority.
func (s *Server) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(certificate)
	// The folder is closed to others, so that the key needs no mode of its own.
	if err := os.WriteFile(s.path("cert.pem"), certificate, 0o644); err != nil {
		return err
	}
	return os.WriteFile(s.path("key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o644)
}
