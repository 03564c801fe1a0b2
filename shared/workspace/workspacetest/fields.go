package workspacetest

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// readOnly are the fields that an update may hold and that change nothing. A
// test holds them against the discovery document; id is no read-only field
// there, and is ignored all the same.
var readOnly = map[string]bool{
	"id": true, "kind": true, "etag": true, "isAdmin": true, "isDelegatedAdmin": true, "agreedToTerms": true,
	"creationTime": true, "lastLoginTime": true, "deletionTime": true, "archivalTime": true,
	"suspensionTime": true, "suspensionReason": true, "aliases": true, "nonEditableAliases": true,
	"customerId": true, "isMailboxSetup": true, "isEnrolledIn2Sv": true, "isEnforcedIn2Sv": true,
	"thumbnailPhotoUrl": true, "thumbnailPhotoEtag": true, "isGuestUser": true, "guestAccountInfo": true,
}

// repeated are the arrays, with the most bytes each may hold.
var repeated = map[string]int{
	"emails": 10 << 10, "phones": 1 << 10, "addresses": 10 << 10, "organizations": 10 << 10, "relations": 2 << 10,
	"externalIds": 2 << 10, "ims": 2 << 10, "keywords": 1 << 10, "languages": 1 << 10, "locations": 10 << 10,
	"websites": 2 << 10, "posixAccounts": 10 << 10, "sshPublicKeys": 10 << 10,
}

// edit is a change under way; replace is users.update, which may clear arrays.
type edit struct {
	record  *record
	replace bool
}

type fieldMap = map[string]json.RawMessage

func decodeFields(c call) (fieldMap, *googletest.Error) {
	var body fieldMap
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return nil, invalid("The body does not fit.")
	}
	return body, nil
}

func isNull(v json.RawMessage) bool { return string(v) == "null" }

// applyLocked changes the edit's record: what is absent stays, null clears,
// arrays are replaced whole, and read-only fields are ignored.
func (s *Server) applyLocked(e *edit, body fieldMap) *googletest.Error {
	if refused := s.applyPasswordLocked(e.record, body); refused != nil {
		return refused
	}
	for name, v := range body {
		if readOnly[name] || name == "password" || name == "hashFunction" {
			continue
		}
		if refused := s.applyField(e, name, v); refused != nil {
			return refused
		}
	}
	return nil
}

func (s *Server) applyField(e *edit, name string, v json.RawMessage) *googletest.Error {
	r := e.record
	switch name {
	case "primaryEmail":
		return s.applyAddress(r, text(v))
	case "name":
		return applyName(r, v)
	case "orgUnitPath":
		path := text(v)
		if isNull(v) {
			path = "/"
		}
		if !r.customer.units[path] {
			return invalid("Invalid Input: INVALID_OU_ID")
		}
		r.orgUnitPath = path
	case "suspended":
		r.set(suspended, string(v) == "true")
	case "archived":
		r.set(archived, string(v) == "true")
	case "changePasswordAtNextLogin":
		r.set(changePassword, string(v) == "true")
	default:
		return e.applyOther(name, v)
	}
	return nil
}

// text returns a string's content; the checker has seen that it is one or null.
func text(v json.RawMessage) string {
	var s string
	_ = json.Unmarshal(v, &s)
	return s
}

// localPart is what Google allows before the @; two dots in a row it does not.
var localPart = regexp.MustCompile(`^[A-Za-z0-9_.'-]+$`)

func (s *Server) applyAddress(r *record, address string) *googletest.Error {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || !localPart.MatchString(local) || strings.Contains(local, "..") || len(local) > 64 || domain == "" {
		return invalid("Invalid Input: primary_user_email")
	}
	if s.domains[strings.ToLower(domain)] != r.customer {
		return notFound("domain")
	}
	r.email = address
	return nil
}

func applyName(r *record, v json.RawMessage) *googletest.Error {
	if isNull(v) {
		return invalid("Invalid Given/Family Name: GivenName")
	}
	var parts fieldMap
	if err := json.Unmarshal(v, &parts); err != nil {
		return invalid("Invalid Given/Family Name: GivenName")
	}
	for name, dst := range map[string]*string{"givenName": &r.given, "familyName": &r.family} {
		p, ok := parts[name]
		if !ok {
			continue
		}
		if *dst = text(p); *dst == "" || utf8.RuneCountInString(*dst) > 60 {
			return invalid("Invalid Given/Family Name: " + strings.ToUpper(name[:1]) + name[1:])
		}
	}
	if p, ok := parts["displayName"]; ok {
		display := text(p)
		if utf8.RuneCountInString(display) > 256 {
			return invalid("Invalid Input: displayName")
		}
		r.rare().displayName = display
	}
	return nil
}

// applyOther keeps a field as it came.
func (e *edit) applyOther(name string, v json.RawMessage) *googletest.Error {
	limit, isArray := repeated[name]
	if isArray && len(v) > limit {
		return invalid("Invalid Input: " + name)
	}
	m := e.record.rare()
	empty := isNull(v) || string(v) == "[]" || string(v) == `""`
	if !empty {
		if m.fields == nil {
			m.fields = fieldMap{}
		}
		m.fields[name] = v
		return nil
	}
	if e.replace || !isArray {
		delete(m.fields, name)
	}
	return nil
}
