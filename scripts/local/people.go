package main

import (
	"fmt"
	"os"
	"strings"

	_ "embed"

	"github.com/go-ldap/ldif"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// sample is the organisation that ships with the project.
//
//go:embed sample.ldif
var sample string

// person is one of the people whose devices enrol.
type person struct {
	// ID is the directory's immutable id of the person.
	ID   string
	Name string
}

// readPeople returns the people of an LDIF file (RFC 2849), the sample's for an
// empty path: every entry with an entryUUID and a cn.
func readPeople(path string) ([]person, error) {
	text := sample
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "ldif", "cannot read the LDIF file %s", path)
		}
		text = strings.TrimPrefix(string(b), "\ufeff") // editors on Windows put the mark there
	} else {
		path = "the sample"
	}
	parsed, err := ldif.Parse(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "ldif", "%s is not LDIF (RFC 2849)", path)
	}
	var people []person
	seen := map[string]bool{}
	for _, e := range parsed.Entries {
		if e.Entry == nil {
			continue // a change record
		}
		// The case of an attribute's name means nothing (RFC 4512, section 2.5).
		id, name := e.Entry.GetEqualFoldAttributeValue("entryUUID"), e.Entry.GetEqualFoldAttributeValue("cn")
		if id == "" || name == "" {
			continue
		}
		if seen[id] {
			return nil, fault.New(fault.Invalid, "ldif", "%s has the entryUUID %s twice", path, id)
		}
		seen[id] = true
		people = append(people, person{id, name})
	}
	if len(people) == 0 {
		return nil, fault.New(fault.Invalid, "ldif", "%s has no people: entries need entryUUID and cn; export with operational attributes (ldapsearch ... '*' +)", path)
	}
	return people, nil
}

// makePeople makes up n people.
func makePeople(n int) []person {
	people := make([]person, n)
	for i := range people {
		people[i] = person{fmt.Sprintf("00000000-0000-4000-8000-%012x", i+1), fmt.Sprintf("Person %d", i+1)}
	}
	return people
}
