package directory

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// maxConfig is how large a configuration may be, in bytes of JSON: it is one
// document, and read with every request of enroll.
const maxConfig = 256 << 10

// maxExcluded is how many rules of one kind may exclude people.
const maxExcluded = 1000

// Validate returns fault.Invalid naming the first field that is wrong by its JSON
// path and saying what to give. It reads the form alone: whether server, base DN,
// filter and administrator are right only a run of kind Probe can tell.
func (c Config) Validate() error {
	if enterprise.CheckID(c.Enterprise) != nil {
		return fault.Field("enterprise", "an enterprise id is 2 to 40 of a-z, 0-9 and '-', beginning with a letter")
	}
	switch c.Mode {
	case LDAPOnly, ReadOnly, ReadWrite, GoogleOnly:
	default:
		return fault.Field("mode", "give ldap-only, read-only, read-write or google-only")
	}
	if err := part("ldap", c.LDAP != nil, c.Mode.UsesLDAP(), c.Mode); err != nil {
		return err
	}
	if err := part("google", c.Google != nil, c.Mode.UsesGoogle(), c.Mode); err != nil {
		return err
	}
	if c.LDAP != nil {
		if err := c.LDAP.validate(); err != nil {
			return err
		}
	}
	if c.Google != nil {
		if err := c.validateGoogle(*c.Google); err != nil {
			return err
		}
	}
	if err := c.validateExclude(); err != nil {
		return err
	}
	if err := c.Guard.validate(); err != nil {
		return err
	}
	if err := c.validateSignIn(); err != nil {
		return err
	}
	if d := c.Leavers.GraceDays; d != nil && (*d < 0 || *d > 365) {
		return fault.Field("leavers.graceDays", "give 0 to 365 days")
	}
	if err := between("fullEveryHours", c.FullEveryHours, 1, 168, "hours"); err != nil {
		return err
	}
	if c.Revision < 0 {
		return fault.Field("revision", "a revision is not negative")
	}
	if err := text("updatedBy", c.UpdatedBy, 300); err != nil {
		return err
	}
	if b, err := json.Marshal(c); err != nil || len(b) > maxConfig {
		return fault.New(fault.TooLarge, "directory-too-large", "a directory is described in at most %d KB; give fewer rules, and units rather than people", maxConfig>>10)
	}
	return nil
}

// part checks that a part is there where the mode uses it, and nowhere else.
func part(field string, given, used bool, m Mode) error {
	switch {
	case used && !given:
		return fault.Field(field, "the mode %s needs it", m)
	case given && !used:
		return fault.Field(field, "the mode %s does not use it; leave it out", m)
	}
	return nil
}

func (c Config) validateExclude() error {
	x := c.Exclude
	for _, l := range []struct {
		field string
		n     int
	}{{"exclude.mails", len(x.Mails)}, {"exclude.units", len(x.Units)}, {"exclude.ids", len(x.IDs)}} {
		if l.n > maxExcluded {
			return fault.Field(l.field, "give at most %d", maxExcluded)
		}
	}
	for i, m := range x.Mails {
		field := index("exclude.mails", i)
		domain, isDomain := strings.CutPrefix(m, "@")
		if isDomain && !domainPattern.MatchString(domain) || !isDomain && !isAddress(m) {
			return fault.Field(field, "give an address, or a domain such as @example.com")
		}
	}
	for i, u := range x.Units {
		if err := c.checkUnit(index("exclude.units", i), u); err != nil {
			return err
		}
	}
	for i, id := range x.IDs {
		if err := needed(index("exclude.ids", i), id, 1024); err != nil {
			return err
		}
	}
	return nil
}

// checkUnit takes the units of those directories that the mode reads.
func (c Config) checkUnit(field, unit string) error {
	if strings.HasPrefix(unit, "/") && c.Mode.UsesGoogle() {
		return checkPath(field, unit)
	}
	if !c.Mode.UsesLDAP() {
		return fault.Field(field, "give the path of an organizational unit, such as /Guests")
	}
	return checkDN(field, unit)
}

func (g Guard) validate() error {
	for _, f := range []struct {
		field  string
		n, max int
		what   string
	}{
		{"guard.population", g.Population, 1_000_000, "people"}, {"guard.dropPercent", g.DropPercent, 100, "percent"},
		{"guard.withdraw.count", g.Withdraw.Count, 1_000_000, "people"}, {"guard.withdraw.percent", g.Withdraw.Percent, 100, "percent"},
		{"guard.delete.count", g.Delete.Count, 1_000_000, "accounts"}, {"guard.delete.percent", g.Delete.Percent, 100, "percent"},
	} {
		if err := between(f.field, f.n, 1, f.max, f.what); err != nil {
			return err
		}
	}
	return nil
}

// between takes 0, which is the default, and whole numbers in the range.
func between(field string, n, low, high int, what string) error {
	if n != 0 && (n < low || n > high) {
		return fault.Field(field, "give %d to %d %s, or leave it out for the default", low, high, what)
	}
	return nil
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// text takes printable text, also none.
func text(field, s string, limit int) error {
	if len(s) > limit {
		return fault.Field(field, "give at most %d bytes", limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return fault.Field(field, "give text without control characters")
	}
	return nil
}

// needed takes printable text that is not only space.
func needed(field, s string, limit int) error {
	if strings.TrimSpace(s) == "" {
		return fault.Field(field, "is required")
	}
	return text(field, s, limit)
}

var domainPattern = pattern.New(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)

// isAddress takes what can be a mailbox at Google: no comments, no quotes.
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && len(s) <= 254 && domainPattern.MatchString(domain) &&
		!strings.ContainsFunc(local, func(r rune) bool {
			return r <= ' ' || r == utf8.RuneError || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>@[\]`, r)
		})
}

// checkLabels returns fault.Invalid naming the first label that is none.
func checkLabels(field string, labels []string) error {
	if len(labels) > 20 {
		return fault.Field(field, "give at most 20 labels")
	}
	for i, l := range labels {
		if err := enterprise.CheckLabel(index(field, i), l); err != nil {
			return err
		}
	}
	return nil
}
