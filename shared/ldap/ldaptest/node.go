package ldaptest

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// Entry is an entry to add.
type Entry struct {
	DN string
	// Attributes are by name, in any case. The schema's id may be among them, as
	// text; without it the server makes one.
	Attributes map[string][]string
}

// node is an entry in the tree. It never changes: a change replaces it, so that a
// search may hold it without a lock.
type node struct {
	// seq orders the entries, and usn the changes.
	seq, usn int64
	dn, key  string
	id       [16]byte
	// pairs has an attribute's values one by one: a hundred thousand entries must
	// fit.
	pairs            []pairing
	created, changed int64
	deleted          bool
	// changes has the change numbers of attributes, in lower case, since the entry
	// was added by the change added.
	added   int64
	changes map[string]int64
}

type pairing struct{ name, value string }

func (n *node) clone() *node {
	c := *n
	c.pairs = slices.Clone(n.pairs)
	c.changes = maps.Clone(n.changes)
	return &c
}

func (n *node) set(name string, values []string) {
	n.pairs = slices.DeleteFunc(n.pairs, func(p pairing) bool { return strings.EqualFold(p.name, name) })
	for _, v := range values {
		n.pairs = append(n.pairs, pairing{name, v})
	}
}

// names returns the attributes that are stored, each once.
func (n *node) names() []string {
	var out []string
	for _, p := range n.pairs {
		if len(out) == 0 || out[len(out)-1] != p.name {
			out = append(out, p.name)
		}
	}
	return out
}

// values returns the values of an attribute, stored or made up, and its name.
func (t *tree) values(n *node, name string) (canonical string, values []string) {
	if f, ok := t.computed[strings.ToLower(name)]; ok {
		if v := f.value(n); v != "" {
			return f.name, []string{v}
		}
		return f.name, nil
	}
	canonical = name
	for _, p := range n.pairs {
		if strings.EqualFold(p.name, name) {
			canonical = p.name
			values = append(values, p.value)
		}
	}
	return canonical, values
}

// computation makes an attribute's value.
type computation struct {
	name string
	// operational: it comes only where it is asked for.
	operational bool
	value       func(*node) string
}

func computedFor(schema directory.Schema) map[string]computation {
	stamp := func(at func(*node) int64, layout string) func(*node) string {
		return func(n *node) string { return time.Unix(at(n), 0).UTC().Format(layout) }
	}
	created := func(n *node) int64 { return n.created }
	changed := func(n *node) int64 { return n.changed }
	dn := func(n *node) string { return n.dn }
	const rfc, ad = "20060102150405Z", "20060102150405.0Z"
	list := []computation{
		{"createTimestamp", true, stamp(created, rfc)}, {"modifyTimestamp", true, stamp(changed, rfc)}, {"entryDN", true, dn},
	}
	switch schema {
	case directory.ActiveDirectory:
		list = []computation{
			{"objectGUID", false, func(n *node) string { return string(n.id[:]) }},
			{"whenCreated", false, stamp(created, ad)}, {"whenChanged", false, stamp(changed, ad)},
			{"uSNChanged", false, func(n *node) string { return strconv.FormatInt(n.usn, 10) }},
			{"distinguishedName", false, dn},
			{"isDeleted", false, func(n *node) string {
				if n.deleted {
					return "TRUE"
				}
				return ""
			}},
		}
	case directory.DirectoryServer:
		list = append(list, computation{"nsUniqueId", true, func(n *node) string { return nsText(n.id) }})
	default:
		list = append(list, computation{"entryUUID", true, func(n *node) string { return uuidText(n.id) }})
	}
	out := map[string]computation{}
	for _, c := range list {
		out[strings.ToLower(c.name)] = c
	}
	return out
}

// storedOperational are attributes of entries that come only where they are asked
// for, except from Active Directory.
var storedOperational = []string{"memberof", "pwdaccountlockedtime", "nsaccountlock", "structuralobjectclass", "entrycsn"}

func uuidText(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// nsText is the form of 389 Directory Server.
func nsText(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:16], h[16:24], h[24:]}, "-")
}

// swapped turns a GUID's text order into Active Directory's binary order, and back.
func swapped(b [16]byte) [16]byte {
	return [16]byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]}
}
