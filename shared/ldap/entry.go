package ldap

import (
	"strings"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Bounds on what is taken from one entry.
const (
	// MaxValue is the longest value that is taken, in bytes.
	MaxValue = 1024
	// MaxValues is how many values of one attribute are taken.
	MaxValues = 200
	// MaxDN is the longest DN that is kept, in bytes.
	MaxDN = 4096
)

// entryOf maps an LDAP entry. The id is empty where the entry has none.
func (c *Client) entryOf(e *goldap.Entry) (person.Entry, []Problem) {
	a := c.ldap.Attributes
	r := reader{entry: e, attributes: a}
	out := person.Entry{ID: r.id(a.ID), DN: e.DN}
	if len(e.DN) > MaxDN {
		out.DN = ""
	}
	if out.ID == "" {
		return out, []Problem{{DN: out.DN, Reason: ProblemNoID}}
	}
	out.Mail, out.Aliases, out.Unranked = addresses(r.texts(a.Mail), r.texts(a.Aliases))
	if out.Mail == "" {
		r.note(ProblemNoMail)
	}
	out.Login, out.GivenName, out.FamilyName = r.text(a.Login), r.text(a.GivenName), r.text(a.FamilyName)
	if out.DisplayName = r.text(a.DisplayName); out.DisplayName == "" && strings.EqualFold(a.DisplayName, "displayName") {
		out.DisplayName = r.text("cn")
	}
	var err error
	if out.Unit, err = parent(out.DN); err != nil || out.DN != e.DN {
		r.note(ProblemBadDN)
	}
	var sane bool
	if out.Enabled, sane = enabled(a, r.texts(a.Disabled)); !sane {
		r.note(ProblemBadControl)
	}
	for name, attribute := range a.Custom {
		if v := r.text(attribute); v != "" {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = v
		}
	}
	if c.opt.HashDigest != nil {
		if hash := storedHash(r.raw(a.PasswordHash)); hash != nil {
			out.Hash = c.opt.HashDigest(hash)
		}
	}
	var problems []Problem
	for _, reason := range r.reasons {
		problems = append(problems, Problem{ID: out.ID, DN: out.DN, Reason: reason})
	}
	return out, problems
}

// reader takes values from an entry and notes what is wrong with them, each kind
// once.
type reader struct {
	entry      *goldap.Entry
	attributes directory.Attributes
	reasons    []string
}

func (r *reader) note(reason string) {
	for _, have := range r.reasons {
		if have == reason {
			return
		}
	}
	r.reasons = append(r.reasons, reason)
}

func (r *reader) raw(name string) [][]byte {
	if name == "" {
		return nil
	}
	return r.entry.GetEqualFoldRawAttributeValues(name)
}

func (r *reader) id(name string) string {
	values := r.raw(name)
	if len(values) != 1 {
		return ""
	}
	if binaryID(name) {
		return guidText(values[0])
	}
	id := string(values[0])
	if len(id) > MaxValue || !isText(id) {
		return ""
	}
	if strings.EqualFold(name, entryUUID) {
		return strings.ToLower(id)
	}
	return id
}

// texts returns the values that are text of a sane length.
func (r *reader) texts(name string) []string {
	if isHash(r.attributes, name) {
		return nil
	}
	raw := r.raw(name)
	if len(raw) > MaxValues {
		r.note(ProblemTooLong)
		raw = raw[:MaxValues]
	}
	var out []string
	for _, b := range raw {
		switch v := string(b); {
		case len(v) > MaxValue:
			r.note(ProblemTooLong)
		case !isText(v):
			r.note(ProblemNotText)
		default:
			out = append(out, v)
		}
	}
	return out
}

// text returns the least value, for the order of a server's values is not stable.
func (r *reader) text(name string) string {
	least := ""
	for _, v := range r.texts(name) {
		if v = strings.TrimSpace(v); v != "" && (least == "" || v < least) {
			least = v
		}
	}
	return least
}

func isText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}
