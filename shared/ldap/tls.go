package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// tlsConfig trusts the system's roots and LDAP.CA, for the name in the URL.
func tlsConfig(l directory.LDAP, host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if l.CA == "" || l.Security == directory.Plain {
		return config, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		// A machine without roots trusts what LDAP.CA names, and nothing else.
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(l.CA)) {
		return nil, fault.New(fault.Permanent, ReasonCertificate, "What is configured as the directory's certificate authority holds no certificate. It must be PEM, with the line BEGIN CERTIFICATE.")
	}
	config.RootCAs = roots
	return config, nil
}

func handshake(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, tlsRefusal(ctx, err)
	}
	return secure, nil
}

func tlsRefusal(ctx context.Context, err error) error {
	var untrusted *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &untrusted):
		return distrust(err)
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return unreachable(ctx, err)
	default:
		return fault.Wrap(err, fault.Permanent, ReasonTLS, "The directory's server does not speak TLS 1.2 or newer at this address. Check the port: 636 is usual for ldaps://, 389 for ldap:// with starttls.")
	}
}

func distrust(err error) error {
	return fault.Wrap(err, fault.Permanent, ReasonCertificate, "The certificate of the directory's server is not trusted: it has expired, is for another name than the one in the URL, or comes from an unknown authority. Use the name in the certificate, or configure the authority's certificate (PEM).")
}

// startTLSRefusal tells why StartTLS failed. go-ldap flattens the error of the
// handshake to text, which is Go's own and not the server's.
func startTLSRefusal(ctx context.Context, err error) error {
	var answer *goldap.Error
	if !errors.As(err, &answer) {
		return unreachable(ctx, errors.New("StartTLS was not answered"))
	}
	switch text := answer.Err.Error(); {
	case answer.ResultCode != goldap.ErrorNetwork:
		return fault.Wrap(result(answer.ResultCode), fault.Permanent, ReasonTLS, "The directory's server refuses StartTLS. Use ldaps://, or switch StartTLS on at the server.")
	case strings.Contains(text, "tls: failed to verify certificate"):
		return distrust(errors.New("StartTLS: the certificate is not trusted"))
	case strings.Contains(text, "TLS handshake failed"):
		return tlsRefusal(ctx, errors.New("StartTLS: the handshake failed"))
	default:
		return unreachable(ctx, errors.New("StartTLS: the connection was lost"))
	}
}
