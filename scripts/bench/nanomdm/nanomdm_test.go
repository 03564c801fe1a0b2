package nanomdm

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	stdlog "log"
	"math/big"
	"net/http"
	"testing"
	"time"

	nlhttp "github.com/micromdm/nanolib/http"
	"github.com/micromdm/nanolib/http/trace"
	"github.com/micromdm/nanolib/log"
	"github.com/micromdm/nanolib/log/stdlogfmt"
	"github.com/micromdm/nanomdm/certverify"
	"github.com/micromdm/nanomdm/cryptoutil"
	httpmdm "github.com/micromdm/nanomdm/http/mdm"
	"github.com/micromdm/nanomdm/service/certauth"
	"github.com/micromdm/nanomdm/service/nanomdm"
	"github.com/micromdm/nanomdm/storage/inmem"
	"github.com/smallstep/pkcs7"
)

const (
	// signatureHeader carries the device's CMS signature.
	signatureHeader = "Mdm-Signature"
	// certHeader carries the certificate that a proxy saw (RFC 9440).
	certHeader = "Client-Cert"

	mdmURL      = "https://mdm.example.com/mdm"
	checkInType = "application/x-apple-aspen-mdm-checkin"
	udid        = "66ADE930-5FDF-5EC4-8429-15640684C489"
)

// nanoMDM is NanoMDM over its in-memory storage, in both ways to learn of the
// certificate, and an enrolled device whose idle poll it answers.
type nanoMDM struct {
	signed, proxied http.Handler
	idle            []byte
	headers         map[string]string // of the idle poll
}

func newNanoMDM(b *testing.B) *nanoMDM {
	b.Helper()
	ca, caKey := newCertificate(b, nil, nil)
	cert, key := newCertificate(b, ca, caKey)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	verifier, err := certverify.NewPoolVerifier(roots, nil, x509.ExtKeyUsageClientAuth)
	if err != nil {
		b.Fatal(err)
	}
	logger := stdlogfmt.New(stdlogfmt.WithLogger(stdlog.New(io.Discard, "", 0)))
	storage := inmem.New()
	n := &nanoMDM{idle: plist("Status", "Idle")}
	n.signed = stack(storage, verifier, logger, func(h http.Handler) http.Handler {
		return httpmdm.CertExtractMdmSignatureMiddleware(h, httpmdm.MdmSignatureVerifierFunc(cryptoutil.VerifyMdmSignature),
			httpmdm.SigLogWithLogger(logger.With("handler", "cert-extract")))
	})
	n.proxied = stack(storage, verifier, logger, func(h http.Handler) http.Handler {
		return httpmdm.CertExtractPEMHeaderMiddleware(h, certHeader, logger.With("handler", "cert-extract"))
	})
	for _, message := range [][]byte{
		plist("MessageType", "Authenticate", "Topic", "com.example.topic", "SerialNumber", "C02MT66KFLHH"),
		plist("MessageType", "TokenUpdate", "Topic", "com.example.topic", "PushMagic", "888CEB39-BFFA-40F6-89FA-B60752EB63C2"),
	} {
		r := newRequest(http.MethodPut, mdmURL, message, http.Header{
			"Content-Type": {checkInType}, signatureHeader: {sign(b, message, cert, key)},
		})
		if w := serve(n.signed, r); w.status > http.StatusOK {
			b.Fatalf("NanoMDM does not enroll the device: %d %s", w.status, &w.body)
		}
	}
	n.headers = map[string]string{
		signatureHeader: sign(b, n.idle, cert, key),
		certHeader:      ":" + base64.StdEncoding.EncodeToString(cert.Raw) + ":",
	}
	n.mustRefuse(b, ca, caKey)
	return n
}

// stack is what cmd/nanomdm makes of its default flags, but for the way to learn of
// the certificate and NanoMDM's API.
func stack(storage *inmem.InMem, verifier httpmdm.CertVerifier, logger log.Logger, extract func(http.Handler) http.Handler) http.Handler {
	nano := nanomdm.New(storage,
		nanomdm.WithUserAuthenticate(nanomdm.NewUAService(storage, false)),
		nanomdm.WithGetToken(nanomdm.NewTokenMux()),
		nanomdm.WithLogger(logger.With("service", "nanomdm")))
	authorized := certauth.New(nano, storage, certauth.WithLogger(logger.With("service", "certauth")))
	mux := http.NewServeMux()
	auth := nlhttp.NewMWMux(mux)
	auth.Use(extract)
	auth.Use(func(h http.Handler) http.Handler {
		return httpmdm.CertVerifyMiddleware(h, verifier, logger.With("handler", "cert-verify"))
	})
	auth.Handle("/mdm", httpmdm.CheckinAndCommandHandler(authorized, logger.With("handler", "checkin-command")))
	return trace.NewTraceLoggingHandler(mux, logger.With("handler", "log"), func(*http.Request) string {
		id := make([]byte, 8)
		_, _ = rand.Read(id) // never fails (crypto/rand)
		return fmt.Sprintf("%x", id)
	})
}

// mustRefuse checks that both stacks do authenticate: an idle poll without
// certificate and one with another device's certificate are not answered.
func (n *nanoMDM) mustRefuse(b *testing.B, ca *x509.Certificate, caKey *rsa.PrivateKey) {
	b.Helper()
	other, otherKey := newCertificate(b, ca, caKey)
	for _, header := range []http.Header{
		{},
		{signatureHeader: {sign(b, n.idle, other, otherKey)}},
		{signatureHeader: {sign(b, []byte("another body"), other, otherKey)}},
		{certHeader: {":" + base64.StdEncoding.EncodeToString(other.Raw) + ":"}},
	} {
		for _, h := range []http.Handler{n.signed, n.proxied} {
			if answered(h, newRequest(http.MethodPut, mdmURL, n.idle, header)) {
				b.Fatalf("NanoMDM answers a stranger with the headers %v", header)
			}
		}
	}
}

// request returns an idle poll with the named one of the headers.
func (n *nanoMDM) request(name string) *http.Request {
	return newRequest(http.MethodPut, mdmURL, n.idle, http.Header{
		"Content-Type": {"application/x-apple-aspen-mdm; charset=UTF-8"}, name: {n.headers[name]},
	})
}

// newCertificate makes an RSA-2048 certificate, as SCEP servers give to devices:
// one of the issuer, or a CA where there is none.
func newCertificate(b *testing.B, issuer *x509.Certificate, issuerKey *rsa.PrivateKey) (*x509.Certificate, *rsa.PrivateKey) {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		b.Fatal(err)
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "MDM " + serial.String()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if issuer == nil {
		t.KeyUsage, t.ExtKeyUsage, t.IsCA = x509.KeyUsageCertSign, nil, true
		issuer, issuerKey = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		b.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return cert, key
}

// sign returns the Mdm-Signature of a body, made as NanoMDM's own tests make it.
func sign(b *testing.B, body []byte, cert *x509.Certificate, key *rsa.PrivateKey) string {
	b.Helper()
	data, err := pkcs7.NewSignedData(body)
	if err != nil {
		b.Fatal(err)
	}
	if err := data.AddSigner(cert, key, pkcs7.SignerInfoConfig{}); err != nil {
		b.Fatal(err)
	}
	data.Detach()
	sig, err := data.Finish()
	if err != nil {
		b.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// plist returns a message of the device as Apple's devices write it, with the
// device's id and the given pairs of keys and texts.
func plist(pairs ...string) []byte {
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
`)
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&out, "\t<key>%s</key>\n\t<string>%s</string>\n", pairs[i], pairs[i+1])
	}
	if pairs[0] == "MessageType" && pairs[1] == "TokenUpdate" {
		out.WriteString("\t<key>Token</key>\n\t<data>\n\tG6fJAGbFD3domiTzpCXK9oowD3KeiORgqUFgItXWQsw=\n\t</data>\n")
	}
	fmt.Fprintf(&out, "\t<key>UDID</key>\n\t<string>%s</string>\n</dict>\n</plist>\n", udid)
	return out.Bytes()
}
