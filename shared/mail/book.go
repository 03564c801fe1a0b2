package mail

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// MaxSettings is how many settings one enterprise may have.
	MaxSettings = 100
	// maxBook bounds a book's JSON in bytes: it is one row, and a row has a mebibyte.
	maxBook = 512 << 10
)

// Book is every mail setting of one enterprise, in one row: a check-in reads all or
// none of them.
type Book struct {
	Enterprise string `json:"enterprise"`
	// Revision counts the changes of the book, from 1; 0 is a book that was never
	// written.
	Revision int `json:"revision"`
	// Settings are in order of id.
	Settings []Setting `json:"settings,omitempty"`
}

// Setting returns the setting of the given id, and whether there is one.
func (b Book) Setting(id string) (Setting, bool) {
	if i, ok := b.find(id); ok {
		return b.Settings[i], true
	}
	return Setting{}, false
}

// With returns the book with s saved in it (see Save), and s as it is stored then. A
// setting that equals the stored one leaves the book as it is, its revision too. A
// book that would be too large is fault.Conflict.
func (b Book) With(s Setting, now time.Time) (Book, Setting, error) {
	i, ok := b.find(s.ID)
	var old Setting
	if ok {
		old = b.Settings[i]
	}
	s.Enterprise = b.Enterprise
	if s.Managed != nil && len(s.Managed.Extra) == 0 {
		// As it is when it was stored and read.
		s.Managed = &Managed{App: s.Managed.App, Package: s.Managed.Package}
	}
	if s = Save(old, s, now); ok && s.same(old) {
		return b, old, nil
	}
	b.Settings = slices.Clone(b.Settings)
	if ok {
		b.Settings[i] = s
	} else {
		b.Settings = slices.Insert(b.Settings, i, s)
	}
	b.Revision++
	if len(b.Settings) > MaxSettings {
		return b, s, fault.New(fault.Conflict, "mail-settings-full", "an enterprise has at most %d mail settings; remove one first", MaxSettings)
	}
	if raw, err := json.Marshal(b); err != nil || len(raw) > maxBook {
		return b, s, fault.New(fault.Conflict, "mail-settings-full",
			"the mail settings of an enterprise together have at most %d KiB; shorten their managed configurations, or remove one", maxBook>>10)
	}
	return b, s, nil
}

// Without returns the book without a setting, and whether there was one.
func (b Book) Without(id string) (Book, bool) {
	i, ok := b.find(id)
	if ok {
		b.Settings = slices.Delete(slices.Clone(b.Settings), i, i+1)
		b.Revision++
	}
	return b, ok
}

// NeedsGenerated lists the ids of the settings that need generated passwords.
func (b Book) NeedsGenerated() []string {
	var ids []string
	for _, s := range b.Settings {
		if s.NeedsGenerated() {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// same reports whether s differs from old by the time of its saving at most.
func (s Setting) same(old Setting) bool {
	if s.Version != old.Version || s.Description != old.Description {
		return false // content is without them
	}
	return slices.Equal(s.Labels, old.Labels)
}

func (b Book) find(id string) (int, bool) {
	return slices.BinarySearchFunc(b.Settings, id, func(s Setting, id string) int { return strings.Compare(s.ID, id) })
}
