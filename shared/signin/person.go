package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Reasons of refusals, for the operator alone; a caller sees one 401 for all of them.
// Those of packages ldap and oidc come beside.
const (
	// ReasonOff: there is no such enterprise, or it does not take these credentials.
	ReasonOff = "sign-in-off"
	// ReasonUnknown: nobody in the directory is named so.
	ReasonUnknown = "person-unknown"
	// ReasonAmbiguous: the claim names several people.
	ReasonAmbiguous = "person-ambiguous"
	// ReasonWithdrawn: the person is disabled, leaving or gone.
	ReasonWithdrawn = "person-withdrawn"
	// ReasonGoogleMissing and ReasonGoogleClosed: the person has no Google account, or
	// one that is not known to be open.
	ReasonGoogleMissing = "google-account-missing"
	ReasonGoogleClosed  = "google-account-closed"
)

// The reasons of answers that are not 401.
const (
	// ReasonLimit (429): too much went wrong with the login, or from the address.
	ReasonLimit = "sign-in-limit"
	// ReasonUnavailable (503): the directory or the identity provider cannot be asked.
	ReasonUnavailable = "sign-in-unavailable"
)

func refusal(reason string) error { return fault.New(fault.Unauthorized, reason, "") }

// Enrols returns nil if the person may enrol devices by an enrollment token, and
// fault.Unauthorized otherwise.
func Enrols(p person.Person) error {
	if p.State.Access() != person.Granted {
		return refusal(ReasonWithdrawn)
	}
	return nil
}

// SignsIn returns nil if the person may enrol devices by the credentials of an
// enterprise whose people come from where mode says, and fault.Unauthorized with the
// reason otherwise.
func SignsIn(mode directory.Mode, p person.Person) error {
	if err := Enrols(p); err != nil {
		return err
	}
	switch {
	case p.Entry.Enabled == person.No:
		return refusal(ReasonWithdrawn)
	case !mode.UsesGoogle(), mode == directory.GoogleOnly:
		return nil
	case p.Google.ID == "":
		return refusal(ReasonGoogleMissing)
	case !p.Google.CanSignIn():
		return refusal(ReasonGoogleClosed)
	}
	return nil
}

// One returns the one person whose field, as match says, has the value that a claim
// gave. People who left the directory do not count: an address or user id may be
// given again. None, and several, are fault.Unauthorized.
func One(match directory.Match, value string, people []person.Person) (person.Person, error) {
	var found []person.Person
	left := person.Person{}
	for _, p := range people {
		if !Has(match, value, p) {
			continue
		}
		if p.State == person.Leaving || p.State == person.Gone {
			left = p
			continue
		}
		found = append(found, p)
	}
	switch {
	case len(found) > 1:
		return person.Person{}, refusal(ReasonAmbiguous)
	case len(found) == 1:
		return found[0], nil
	case left.Key != "":
		return left, refusal(ReasonWithdrawn)
	}
	return person.Person{}, refusal(ReasonUnknown)
}

// Has reports whether a person's field has the value.
func Has(match directory.Match, value string, p person.Person) bool {
	switch match {
	case directory.MatchMail:
		return value != "" && person.MailKey(p.Entry.Mail) == person.MailKey(value)
	case directory.MatchLogin:
		return value != "" && Login(p.Entry.Login) == Login(value)
	}
	return value != "" && p.ID == value
}

// Login returns the form of a login in which those that name one person are equal.
// It is no wider than what the store finds people by: a directory takes more spellings
// for the same (width, marks, spaces), and each would have a count of its own.
func Login(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// LoginID returns the id of the Attempts of a login, and AddressID that of an
// address's: keyed hashes, since both say who somebody is.
func LoginID(key secret.Value, enterprise, login string) string {
	return digest(key, "login", enterprise, Login(login))
}

// AddressID is described with LoginID.
func AddressID(key secret.Value, enterprise, address string) string {
	return digest(key, "address", enterprise, address)
}

// Nobody returns a login that nobody has and that nobody can foresee, of the form of a
// real one. The directory is asked for it in place of a login that must not get in, so
// that the answer takes as long and tells nothing of the password.
func Nobody(key secret.Value, enterprise, login string) string {
	return "x" + digest(key, "nobody", enterprise, Login(login))[:15]
}

func digest(key secret.Value, parts ...string) string {
	m := hmac.New(sha256.New, key.Bytes())
	m.Write([]byte("rollcall sign-in v1\x00" + strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(m.Sum(nil)))[:26]
}
