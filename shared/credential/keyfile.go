package credential

import (
	"crypto/rsa"
	"net/url"
	"path"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	typeKey     = "service_account"
	typeKeyless = "keyless" // ours: Google has no such file
)

var (
	clientIDPattern = pattern.New(`^[0-9]{6,40}$`)
	emailPattern    = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}@[A-Za-z0-9][A-Za-z0-9.-]{0,199}$`)
	keyIDPattern    = pattern.New(`^[0-9a-f]{8,64}$`)
	hostPattern     = pattern.New(`^[A-Za-z0-9][A-Za-z0-9.-]{0,199}(:[0-9]{1,5})?$`)
)

// Parse checks a service account's JSON key file, as Google's console hands it
// out, and returns it as a Credential whose Stored is the file unchanged. Every
// refusal is fault.Invalid, says in words what the file is or lacks, and names
// the member in Field.
//
// It is Google's form, so members that are not known are let be. Of the members
// that tell whose key it is, all must agree: an address that is not the key's
// would otherwise be met as a bad signature much later.
func Parse(file []byte, o Options) (Credential, error) {
	m, err := readMembers(file)
	if err != nil {
		return Credential{}, err
	}
	if m.text("type") != typeKey {
		return Credential{}, foreign(m)
	}
	return m.key(file, o)
}

// Read checks what is in the secret store: a key file or a keyless credential.
// Its refusals are those of Parse.
func Read(stored secret.Value, o Options) (Credential, error) {
	file := stored.Bytes()
	m, err := readMembers(file)
	if err != nil {
		return Credential{}, err
	}
	switch m.text("type") {
	case typeKey:
		return m.key(file, o)
	case typeKeyless:
		return NewKeyless(m.text("client_email"), m.text("client_id"), m.text("token_uri"), o)
	default:
		return Credential{}, foreign(m)
	}
}

// key checks the members of a key file in the order in which a reader would.
func (m members) key(file []byte, o Options) (Credential, error) {
	v := View{
		Kind: Key, ClientID: m.text("client_id"), ClientEmail: m.text("client_email"), TokenURI: m.text("token_uri"),
	}
	if err := checkAccount(v.ClientEmail, v.ClientID); err != nil {
		return Credential{}, err
	}
	if err := m.checkOwner(v.ClientEmail); err != nil {
		return Credential{}, err
	}
	if u := m.text("universe_domain"); u != "" && u != "googleapis.com" {
		return Credential{}, fault.Field("universe_domain", "the key is of another cloud than Google's public one, which has no domain-wide delegation")
	}
	if id := m.text("private_key_id"); keyIDPattern.MatchString(id) {
		v.KeyID = id
	}
	key, err := parsePEM(m.text("private_key"))
	if err != nil {
		return Credential{}, err
	}
	if err := checkTokenURI(v.TokenURI, o.AnyTokenURI); err != nil {
		return Credential{}, err
	}
	return withKey(v, key, secret.NewBytes(file))
}

// withKey checks the key's strength and completes the view.
func withKey(v View, key *rsa.PrivateKey, stored secret.Value) (Credential, error) {
	if n := key.N.BitLen(); n < LeastBits {
		return Credential{}, fault.Field("private_key", "the RSA key has %d bits, which is too few to be safe; make a new key of %d bits", n, LeastBits)
	}
	var err error
	if v.Fingerprint, err = Fingerprint(&key.PublicKey); err != nil {
		return Credential{}, fault.Field("private_key", "the key's public half cannot be written")
	}
	return Credential{View: v, stored: stored, key: func() *rsa.PrivateKey { return key }}, nil
}

// checkAccount holds the two names of a service account against their forms.
func checkAccount(email, clientID string) error {
	switch {
	case !emailPattern.MatchString(email):
		return fault.Field("client_email", "there is no service account's address here, such as name@project.iam.gserviceaccount.com")
	case !strings.HasSuffix(email, ".gserviceaccount.com"):
		return fault.Field("client_email", "this is not the address of a service account, which ends in .gserviceaccount.com; a person's address does not do")
	case !clientIDPattern.MatchString(clientID):
		return fault.Field("client_id", "there is no client id here, which is a number; Google's console shows it as the service account's unique id")
	default:
		return nil
	}
}

// checkOwner compares the address with the other members that hold it: the URL of
// the account's certificates, and the project, which is part of the address of
// every account that was made by hand.
func (m members) checkOwner(email string) error {
	const wrong = "the address is not that of the key: %s names another service account; send the file as Google's console handed it out"
	if raw := m.text("client_x509_cert_url"); raw != "" {
		if u, err := url.Parse(raw); err != nil || !strings.EqualFold(path.Base(u.Path), email) {
			return fault.Field("client_email", wrong, "client_x509_cert_url")
		}
	}
	_, domain, _ := strings.Cut(email, "@")
	project, ok := strings.CutSuffix(domain, ".iam.gserviceaccount.com")
	id := m.text("project_id")
	if !ok || id == "" {
		return nil
	}
	// A project of an organisation's own, "example.com:p", is p.example.com here.
	if org, name, scoped := strings.Cut(id, ":"); scoped {
		id = name + "." + org
	}
	if !strings.EqualFold(project, id) {
		return fault.Field("client_email", wrong, "project_id")
	}
	return nil
}
