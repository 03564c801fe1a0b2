package admin

import (
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// fieldChange is a field's value before and after; of a password neither is shown.
type fieldChange struct {
	// Of is directory or google.
	Of    string `json:"of"`
	Field string `json:"field"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
}

// needsRow reports whether the person's row tells what the item's fields were. Once
// the item was applied it no longer does.
func needsRow(i directory.Item) bool {
	if i.Outcome != "" {
		return false
	}
	for _, s := range i.Steps {
		if len(s.Fields) > 0 {
			return true
		}
	}
	return false
}

// changesOf says what the fields of an item's steps change from and to.
func changesOf(row person.Person, i directory.Item) []fieldChange {
	var out []fieldChange
	entry := row.Entry
	if i.Facts.Entry != nil {
		entry = *i.Facts.Entry
	}
	account := row.Google
	if i.Facts.Google != nil {
		account = *i.Facts.Google
	}
	for _, s := range i.Steps {
		for _, f := range s.Fields {
			c := fieldChange{Of: "google", Field: f}
			switch s.Action {
			case directory.Update:
				c.Of, c.From, c.To = "directory", entryField(row.Entry, f), entryField(entry, f)
			case directory.Mirror:
				c.From, c.To = googleField(row.Google, f), googleField(account, f)
			default:
				c.From, c.To = googleField(account, f), entryField(entry, f)
			}
			out = append(out, c)
		}
	}
	return out
}

func entryField(e person.Entry, field string) string {
	switch field {
	case "mail":
		return e.Mail
	case "login":
		return e.Login
	case "givenName":
		return e.GivenName
	case "familyName":
		return e.FamilyName
	case "displayName":
		return e.DisplayName
	case "unit":
		return e.Unit
	case "aliases":
		return strings.Join(e.Aliases, ", ")
	}
	return "" // of passwords and attributes only that they change
}

func googleField(g person.Google, field string) string {
	switch field {
	case "mail":
		return g.Mail
	case "givenName":
		return g.GivenName
	case "familyName":
		return g.FamilyName
	case "displayName":
		return g.DisplayName
	case "orgUnit":
		return g.OrgUnit
	case "suspended":
		return string(g.Suspended)
	case "archived":
		return string(g.Archived)
	case "admin":
		return string(g.Admin)
	case "aliases":
		return strings.Join(g.Aliases, ", ")
	}
	return ""
}
