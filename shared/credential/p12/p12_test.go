package p12_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/credential/p12"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	email    = "1234-abc@developer.gserviceaccount.com"
	clientID = "104123456789012345678"
)

func newKey(bits int) func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	})
}

var (
	goodKey  = newKey(2048)
	otherKey = newKey(2048)
	weakKey  = newKey(1024)
)

// certificate is one made out to name by itself, as Google's are.
func certificate(name string, public, private any) *x509.Certificate {
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, private)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

func file(enc *pkcs12.Encoder, key any, cert *x509.Certificate, password string, chain ...*x509.Certificate) []byte {
	b, err := enc.Encode(key, cert, chain, password)
	if err != nil {
		panic(err)
	}
	return b
}

// slow is a file whose checksum is soon made and whose contents are not: opening it would
// take for hours.
func slow(t *testing.T, enc *pkcs12.Encoder) []byte {
	t.Helper()
	few, many := []byte{2, 3, 1, 0, 0}, []byte{2, 3, 0x7f, 0xff, 0xff}
	b := file(enc.WithIterations(1<<16), goodKey(), certOf("x", goodKey()), "notasecret")
	checksum := bytes.LastIndex(b, few)
	contents := bytes.ReplaceAll(b[:checksum], few, many)
	if bytes.Equal(contents, b[:checksum]) {
		t.Fatal("the contents have no iterations")
	}
	return append(contents, b[checksum:]...)
}

func certOf(name string, key *rsa.PrivateKey) *x509.Certificate {
	return certificate(name, &key.PublicKey, key)
}

func TestParse_K1_BringsAP12IntoTheFormOfAKeyFile(t *testing.T) {
	t.Parallel()
	fingerprint, err := credential.Fingerprint(&goodKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	want := credential.View{
		Kind: credential.Key, ClientID: clientID, ClientEmail: email, Fingerprint: fingerprint,
		TokenURI: "https://oauth2.googleapis.com/token",
	}
	for _, tc := range []struct {
		name     string
		file     []byte
		password string
	}{
		{"of RC2", file(pkcs12.LegacyRC2, goodKey(), certOf("1234-abc.apps.googleusercontent.com", goodKey()), "notasecret"), ""},
		{"of 3DES", file(pkcs12.LegacyDES, goodKey(), certOf(clientID, goodKey()), "notasecret"), ""},
		{"of today, with another password", file(pkcs12.Modern2023, goodKey(), certOf("x", goodKey()), "hunter2"), "hunter2"},
		{"with a chain", file(pkcs12.LegacyDES, goodKey(), certOf("1234-abc.developer.gserviceaccount.com", goodKey()), "notasecret", certOf("ca", otherKey())), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := p12.Parse(tc.file, p12.Owner{Email: email, ClientID: clientID, Password: secret.New(tc.password)})
			if err != nil {
				t.Fatal(err)
			}
			again, err := credential.Parse(c.Stored().Bytes(), credential.Options{})
			if d := cmp.Diff([]credential.View{want, want}, []credential.View{c.View, again.View}); d != "" || err != nil {
				t.Errorf("%v -want +got:\n%s", err, d)
			}
			if !again.PrivateKey().Equal(goodKey()) {
				t.Error("another key came out")
			}
		})
	}
}

func TestParse_K1_Refusals(t *testing.T) {
	t.Parallel()
	good := file(pkcs12.LegacyDES, goodKey(), certOf("hunter2", goodKey()), "notasecret")
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	owner := p12.Owner{Email: email, ClientID: clientID}
	for _, tc := range []struct {
		name        string
		file        []byte
		owner       p12.Owner
		field, text string
	}{
		{"nothing", nil, owner, "file", "empty"},
		{"JSON", []byte(`{"type":"service_account"}`), owner, "file", "JSON key file"},
		{"text", []byte("hunter2"), owner, "file", "not a P12"},
		{"something behind it", append(good[:len(good):len(good)], 0), owner, "file", "not a P12"},
		{"cut off", good[:len(good)/2], owner, "file", "cut off"},
		{"cut off by one", good[:len(good)-1], owner, "file", "cut off"},
		{"too large", append([]byte{0x30}, make([]byte, credential.MaxFile)...), owner, "file", "32 KiB"},
		{"no usual password", file(pkcs12.LegacyDES, goodKey(), certOf("x", goodKey()), "hunter2"), owner, "password", "another password"},
		{"wrong password", good, p12.Owner{Email: email, ClientID: clientID, Password: secret.New("hunter2")}, "password", "does not open"},
		{"too many iterations", file(pkcs12.LegacyDES.WithIterations(1<<20+1), goodKey(), certOf("x", goodKey()), "notasecret"), owner, "file", "another manner"},
		{"too many iterations within", slow(t, pkcs12.LegacyDES), owner, "file", "another manner"},
		{"too many iterations of PBKDF2 within", slow(t, pkcs12.Modern2023), owner, "file", "another manner"},
		{"of another kind of protection", file(pkcs12.Modern2026, goodKey(), certOf("x", goodKey()), "notasecret"), owner, "file", "another manner"},
		{"no RSA", file(pkcs12.LegacyDES, ec, certificate("x", &ec.PublicKey, ec), "notasecret"), owner, "file", "no RSA"},
		{"weak", file(pkcs12.LegacyDES, weakKey(), certOf("x", weakKey()), "notasecret"), owner, "private_key", "1024 bits"},
		{"certificate of another key", file(pkcs12.LegacyDES, goodKey(), certOf("x", otherKey()), "notasecret"), owner, "file", "belong together"},
		{"client id of another", file(pkcs12.LegacyDES, goodKey(), certOf("104999999999999999999", goodKey()), "notasecret"), owner, "client_id", "not that of the key"},
		{"address of another", file(pkcs12.LegacyDES, goodKey(), certOf("other.p.iam.gserviceaccount.com", goodKey()), "notasecret"), owner, "client_email", "not that of the key"},
		{"no address", good, p12.Owner{ClientID: clientID}, "client_email", "address"},
		{"a person's address", good, p12.Owner{Email: "ann@example.com", ClientID: clientID}, "client_email", "person's address"},
		{"no client id", good, p12.Owner{Email: email}, "client_id", "number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := p12.Parse(tc.file, tc.owner)
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid || f.Field != tc.field || !strings.Contains(f.Public, tc.text) {
				t.Fatalf("got %v, want an invalid %q with %q", err, tc.field, tc.text)
			}
			if strings.Contains(err.Error(), "hunter2") || !c.Stored().Empty() {
				t.Errorf("the refusal tells too much: %v", err)
			}
		})
	}
}

// Whatever bytes a person takes for a P12 file, the answer is a credential or a
// refusal in words, and it comes soon.
func FuzzParse_K1_P12(f *testing.F) {
	f.Add(file(pkcs12.LegacyDES, goodKey(), certOf("x", goodKey()), "notasecret"))
	f.Add(file(pkcs12.LegacyRC2, goodKey(), certOf(clientID, goodKey()), "notasecret"))
	f.Add(file(pkcs12.LegacyDES, goodKey(), certOf("x", goodKey()), "hunter2"))
	f.Add(file(pkcs12.Modern2026, goodKey(), certOf("x", goodKey()), "notasecret"))
	f.Add([]byte("0\x82\x0a\x31\x02\x01\x03"))
	f.Add([]byte("{}"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := p12.Parse(b, p12.Owner{Email: email, ClientID: clientID})
		switch g := fault.As(err); {
		case err == nil && c.PrivateKey() == nil:
			t.Error("no key and no refusal")
		case err != nil && (g == nil || g.Kind != fault.Invalid || g.Field == "" || g.Err != nil):
			t.Errorf("refused as %v", err)
		}
	})
}
