package ldaptest

import (
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/jimlambrt/gldap"
)

// What Active Directory has below a domain; here even the settings of the server
// are in the one naming context.
const (
	deletedObjects = "CN=Deleted Objects"
	configuration  = "CN=Configuration"
	settings       = "CN=NTDS Settings,CN=Configuration"
	invocation     = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
)

// SetInvocation makes the server another copy of the directory, whose change
// numbers are its own.
func (s *Server) SetInvocation(id string) error {
	return s.Set(settings+","+s.opt.BaseDN, "invocationId", id)
}

// dirSyncOf returns the control of [MS-ADTS] 3.1.1.3.4.1.3, which gldap does not
// know.
func dirSyncOf(controls []gldap.Control) (*ldap.ControlDirSync, bool) {
	for _, c := range controls {
		s, ok := c.(*gldap.ControlString)
		if !ok || s.ControlType != ldap.ControlTypeDirSync {
			continue
		}
		value := ber.Encode(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, nil, "")
		inner, err := ber.DecodePacketErr([]byte(s.ControlValue))
		if err != nil {
			return nil, false
		}
		value.AppendChild(inner)
		control, err := ldap.NewResponseControlDirSync(value)
		return control, err == nil
	}
	return nil, false
}

// dirSyncPage is how many entries one answer has, so that clients must ask again.
const dirSyncPage = 100

// dirSync gives the entries of which something that was asked for changed since the
// cookie's change number. An entry has all that was asked for, more than Active
// Directory would give.
func (t *tree) dirSync(q *query, base string, match filter, c *ldap.ControlDirSync) answer {
	if base != t.base || q.Scope != gldap.WholeSubtree {
		return answer{code: gldap.ResultUnwillingToPerform}
	}
	since, upTo, err := dirSyncCookie(c.Cookie)
	if err != nil {
		return answer{code: gldap.ResultUnwillingToPerform}
	}
	if upTo == 0 {
		upTo = t.usn
	}
	var a answer
	// By change number, so that each answer goes on where the last one ended.
	next := upTo
	var more int64
	for _, n := range t.byUSN(since, upTo) {
		if !match.match(n) || !n.concerns(since, q.Attributes) {
			continue
		}
		if len(a.entries) == dirSyncPage {
			more = 1
			break
		}
		a.entries = append(a.entries, t.render(n, append([]string{"objectGUID"}, q.Attributes...)))
		next = n.usn
	}
	cookie := strconv.FormatInt(next, 10) + "/" + strconv.FormatInt(upTo, 10)
	if more == 0 {
		cookie = strconv.FormatInt(upTo, 10) + "/0"
	}
	reply := ldap.NewRequestControlDirSync(more, 0, []byte(cookie))
	a.controls = []gldap.Control{reply}
	return a
}

// concerns reports whether the entry is new since, or one of the attributes that
// were asked for changed.
func (n *node) concerns(since int64, asked []string) bool {
	if n.added > since || len(asked) == 0 {
		return true
	}
	for _, name := range asked {
		if n.changes[strings.ToLower(name)] > since {
			return true
		}
	}
	return false
}

func dirSyncCookie(cookie []byte) (since, upTo int64, err error) {
	if len(cookie) == 0 {
		return 0, 0, nil
	}
	a, b, _ := strings.Cut(string(cookie), "/")
	if since, err = strconv.ParseInt(a, 10, 64); err != nil {
		return 0, 0, err
	}
	upTo, err = strconv.ParseInt(b, 10, 64)
	return since, upTo, err
}
