package workspacetest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// object writes a JSON object of which the mask keeps some fields. The encoder
// of the standard library would make a map for each of a hundred thousand users.
type object struct {
	b    []byte
	mask mask
	n    int
}

func (o *object) key(name string) bool {
	if !o.mask.has(name) {
		return false
	}
	if o.n++; o.n > 1 {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
	return true
}

func (o *object) text(name, v string) {
	if o.key(name) {
		o.b = appendText(o.b, v)
	}
}

func (o *object) boolean(name string, v bool) {
	if o.key(name) {
		o.b = strconv.AppendBool(o.b, v)
	}
}

func (o *object) raw(name string, v []byte) {
	if o.key(name) {
		o.b = append(o.b, v...)
	}
}

func (o *object) object(name string, write func(*object)) {
	if !o.key(name) {
		return
	}
	inner := object{b: append(o.b, '{'), mask: o.mask[name]}
	write(&inner)
	o.b = append(inner.b, '}')
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			// A string always marshals.
			q, _ := json.Marshal(s)
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func timeText(nanos int64) string {
	return time.Unix(0, nanos).UTC().Format("2006-01-02T15:04:05.000Z")
}

// appendUser writes the user as users.get and users.list answer it.
func (s *Server) appendUser(b []byte, r *record, m mask, custom bool) []byte {
	o := object{b: append(b, '{'), mask: m}
	o.text("kind", "admin#directory#user")
	o.text("id", idText(r.id))
	if m.has("etag") {
		o.text("etag", r.etag())
	}
	o.text("primaryEmail", r.email)
	if d := r.deletedAt(); d != 0 {
		// The listing of deleted users tells little more.
		o.text("deletionTime", timeText(d))
		return append(o.b, '}')
	}
	o.object("name", func(n *object) {
		n.text("givenName", r.given)
		n.text("familyName", r.family)
		n.text("fullName", r.given+" "+r.family)
		if r.more != nil && r.more.displayName != "" {
			n.text("displayName", r.more.displayName)
		}
	})
	o.boolean("isAdmin", r.is(admin))
	o.boolean("isDelegatedAdmin", r.is(delegatedAdmin))
	if m.has("creationTime") {
		o.text("creationTime", timeText(r.created))
	}
	if !s.hidesStatus(r) {
		o.boolean("suspended", r.is(suspended))
		o.boolean("archived", r.is(archived))
		if r.is(suspended) {
			o.text("suspensionReason", "ADMIN")
		}
	}
	o.boolean("changePasswordAtNextLogin", r.is(changePassword))
	o.text("customerId", r.customer.id)
	o.text("orgUnitPath", r.orgUnitPath)
	s.appendRare(&o, r, custom)
	return append(o.b, '}')
}

func (s *Server) appendRare(o *object, r *record, custom bool) {
	if aliases := r.aliases(); len(aliases) > 0 {
		// Strings always marshal.
		b, _ := json.Marshal(aliases)
		o.raw("aliases", b)
	}
	if r.more == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.more.fields)) {
		if name != "customSchemas" || custom {
			o.raw(name, r.more.fields[name])
		}
	}
}

func (s *Server) hidesStatus(r *record) bool {
	return r.is(statusHidden) || (r.is(inserted) && s.opt.Now().Sub(r.createdAt()) < s.opt.StatusDelay)
}

// userReply renders one user for the call.
func (s *Server) userReply(c call, r *record) json.RawMessage {
	p := c.Query.Get("projection")
	return s.appendUser(nil, r, c.mask, p == "full" || p == "custom")
}
