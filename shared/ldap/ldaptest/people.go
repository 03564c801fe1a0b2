package ldaptest

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/go-ldap/ldif"
)

// Load adds the entries of an LDIF text (RFC 2849).
func (s *Server) Load(r io.Reader) error {
	var l ldif.LDIF
	if err := ldif.Unmarshal(r, &l); err != nil {
		return err
	}
	for _, e := range l.Entries {
		if e.Entry == nil {
			return fmt.Errorf("ldaptest: the LDIF holds changes, not entries")
		}
		entry := Entry{DN: e.Entry.DN, Attributes: map[string][]string{}}
		for _, a := range e.Entry.Attributes {
			entry.Attributes[a.Name] = append(entry.Attributes[a.Name], a.Values...)
		}
		if key, err := keyOf(entry.DN); err == nil && key == s.tree.base {
			continue // it is there
		}
		if err := s.Add(entry); err != nil {
			return err
		}
	}
	return nil
}

// WriteLDIF writes entries as LDIF, for a server that reads it.
func WriteLDIF(w io.Writer, entries iter.Seq[Entry]) error {
	for e := range entries {
		text, err := ldif.Marshal(&ldif.LDIF{Entries: []*ldif.Entry{{Entry: ldap.NewEntry(e.DN, e.Attributes)}}})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Numbered yields n made-up people of OpenLDAP's or 389 Directory Server's schema
// below ou=people of the base: uid u000000 and so on, with mail addresses at
// example.com and an id that tells the number.
func Numbered(base string, n int) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range n {
			if !yield(Person(base, i)) {
				return
			}
		}
	}
}

// Person returns person i of Numbered.
func Person(base string, i int) Entry {
	uid := fmt.Sprintf("u%06d", i)
	given, family := givenNames[i%len(givenNames)], familyNames[i/len(givenNames)%len(familyNames)]
	return Entry{DN: "uid=" + uid + ",ou=people," + base, Attributes: map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "mail": {uid + "@example.com"},
		"givenName": {given}, "sn": {family}, "cn": {given + " " + family},
		"entryUUID": {fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i)},
	}}
}

// NumberedAD is Numbered for Active Directory's schema.
func NumberedAD(base string, n int) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range n {
			e := Person(base, i)
			uid := e.Attributes["uid"][0]
			if !yield(Entry{DN: "CN=" + uid + ",OU=people," + base, Attributes: map[string][]string{
				"objectClass": {"top", "person", "organizationalPerson", "user"}, "objectCategory": {"person"},
				"sAMAccountName": {uid}, "mail": e.Attributes["mail"], "givenName": e.Attributes["givenName"],
				"sn": e.Attributes["sn"], "cn": {uid}, "displayName": e.Attributes["cn"],
				"userAccountControl": {"512"}, "objectGUID": e.Attributes["entryUUID"],
				"proxyAddresses": {"SMTP:" + strings.ToLower(e.Attributes["mail"][0])},
			}}) {
				return
			}
		}
	}
}

var (
	givenNames  = []string{"Joana", "Chidi", "Zoë", "Søren", "Félix", "Mei", "Paweł", "Björn", "Amara", "José"}
	familyNames = []string{"Eriksen", "Lefèvre", "Novák", "Müller", "Öztürk", "Mäkinen", "Đorđević", "Ueda", "Silva", "Ibrahim"}
)
