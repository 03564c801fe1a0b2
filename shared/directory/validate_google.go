package directory

import (
	"net/url"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// maxPath is how long the path of an organizational unit may be, in bytes.
const maxPath = 1000

func (c Config) validateGoogle(g Google) error {
	if !isAddress(g.Subject) {
		return fault.Field("google.subject", "give the address of the administrator whom the service account acts as")
	}
	if g.Domain != "" && (len(g.Domain) > 253 || !domainPattern.MatchString(g.Domain)) {
		return fault.Field("google.domain", "give a domain such as example.com, or leave it out for all of them")
	}
	if len(g.OrgUnits) > 100 {
		return fault.Field("google.orgUnits", "give at most 100 units")
	}
	for i, p := range g.OrgUnits {
		if err := checkPath(index("google.orgUnits", i), p); err != nil {
			return err
		}
	}
	if c.Mode != ReadWrite {
		return g.refuseWrites()
	}
	if len(g.Units) > 500 {
		return fault.Field("google.units", "give at most 500 rules")
	}
	for i, r := range g.Units {
		field := index("google.units", i)
		if err := checkDN(field+".dn", r.DN); err != nil {
			return err
		}
		if err := g.checkTarget(field+".orgUnit", r.OrgUnit); err != nil {
			return err
		}
	}
	if err := g.checkTarget("google.defaultUnit", g.NewUnit("")); err != nil {
		return err
	}
	if l := c.LDAP; g.PasswordHashes && l.Schema == ActiveDirectory && l.Attributes.PasswordHash == "" {
		return fault.Field("google.passwordHashes", "Active Directory gives password hashes to nobody; leave it out, or name an attribute that holds them in ldap.attributes.passwordHash")
	}
	return between("google.deleteAfterDays", g.DeleteAfterDays, 1, 365, "days")
}

// refuseWrites names what only ReadWrite uses.
func (g Google) refuseWrites() error {
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"units", len(g.Units) > 0}, {"defaultUnit", g.DefaultUnit != ""},
		{"passwordHashes", g.PasswordHashes}, {"deleteAfterDays", g.DeleteAfterDays != 0},
	} {
		if f.given {
			return fault.Field("google."+f.name, "only the mode read-write uses it; leave it out")
		}
	}
	return nil
}

// checkTarget takes a unit that accounts may be put into: one outside of what is
// listed would lose them.
func (g Google) checkTarget(field, path string) error {
	if err := checkPath(field, path); err != nil {
		return err
	}
	if len(g.OrgUnits) > 0 && !slices.ContainsFunc(g.OrgUnits, func(u string) bool { return Within(path, u) }) {
		return fault.Field(field, "lies outside of google.orgUnits, so that accounts there would not be seen again")
	}
	return nil
}

func checkPath(field, path string) error {
	if err := text(field, path, maxPath); err != nil {
		return err
	}
	if !strings.HasPrefix(path, "/") || path != "/" && strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
		return fault.Field(field, "give the path of an organizational unit from the root, such as /Staff/Sales")
	}
	return nil
}

var claimPattern = pattern.New(`^[!#-\[\]-~]{1,200}$`)

func (c Config) validateSignIn() error {
	s := c.SignIn
	switch {
	case s == nil:
		return nil
	case s.LDAP && !c.Mode.UsesLDAP():
		return fault.Field("signIn.ldap", "the mode %s has no LDAP directory to sign in to", c.Mode)
	case !s.LDAP && s.OIDC == nil:
		return fault.Field("signIn", "give ldap or oidc, or leave it out")
	}
	if o := s.OIDC; o != nil {
		switch {
		case !isIssuer(o.Issuer):
			return fault.Field("signIn.oidc.issuer", "give the https URL of the identity provider, as its discovery document writes it")
		case needed("signIn.oidc.audience", o.Audience, 300) != nil:
			return fault.Field("signIn.oidc.audience", "give the client id that ID tokens are for, at most 300 characters")
		case o.Claim != "" && !claimPattern.MatchString(o.Claim):
			return fault.Field("signIn.oidc.claim", "give the name of the claim that names the person, such as sub or email")
		}
		switch o.Match {
		case "", MatchID, MatchMail:
		case MatchLogin:
			if !c.Mode.UsesLDAP() {
				return fault.Field("signIn.oidc.match", "people of the mode %s have no login; give id or mail", c.Mode)
			}
		default:
			return fault.Field("signIn.oidc.match", "give id, mail or login")
		}
	}
	return checkLabels("signIn.labels", s.Labels)
}

// isIssuer takes an issuer identifier (OpenID Connect Core 1.0, 2), and without
// encryption one on the same machine.
func isIssuer(issuer string) bool {
	u, err := url.Parse(issuer)
	return err == nil && len(issuer) <= maxURL && isHost(u) && u.User == nil && u.RawQuery == "" && !u.ForceQuery &&
		u.Fragment == "" && !strings.HasSuffix(issuer, "#") && (u.Scheme == "https" || u.Scheme == "http" && loopback(u)) && u.Opaque == ""
}
