package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Bounds that every driver holds, so that a document which one accepts is never
// refused by another. They are Firestore's, or within them.
const (
	MaxID    = 500  // bytes of a Key.ID
	MaxKind  = 100  // bytes of a Kind
	MaxField = 100  // bytes of the name of an index field
	MaxValue = 1000 // bytes of an index value; Firestore cuts longer ones short
	MaxIndex = 50   // index fields of one document
	MaxLimit = 1000 // documents that one Find returns
	MaxWrite = 500  // documents that one Update writes

	MaxCommit = 8 << 20 // bytes of the bodies that one Update writes
)

// Validate returns nil where the key can be stored, and a fault.Invalid that
// names the member otherwise.
func (k Key) Validate() error {
	if err := k.Kind.Validate(); err != nil {
		return err
	}
	switch {
	case k.ID == "" || len(k.ID) > MaxID:
		return fault.Field("key.id", "An ID has 1 to %d bytes.", MaxID)
	case k.ID == "." || k.ID == ".." || reserved(k.ID):
		return fault.Field("key.id", "An ID is neither \".\" nor \"..\" nor of the form \"__…__\".")
	}
	for i := range len(k.ID) {
		if c := k.ID[i]; c < ' ' || c > '~' || c == '/' {
			return fault.Field("key.id", "An ID consists of printable ASCII without '/'.")
		}
	}
	return nil
}

// Validate returns nil where k is 1 to MaxKind of [A-Za-z0-9_-] and not of the
// form "__…__", and fault.Invalid otherwise.
func (k Kind) Validate() error {
	if !word(string(k), MaxKind, "-_") {
		return fault.Field("key.kind", "A kind has 1 to %d of the characters A-Z a-z 0-9 _ - and is not of the form \"__…__\".", MaxKind)
	}
	return nil
}

// Validate returns nil where every driver can store d, and otherwise
// fault.Invalid, or fault.TooLarge for a body over its bound.
func (d Document) Validate() error {
	_, err := d.Fields()
	return err
}

// Fields validates d and returns its body decoded, with numbers as
// json.Number, for drivers that store members rather than text.
func (d Document) Fields() (map[string]any, error) {
	if err := d.Key.Validate(); err != nil {
		return nil, err
	}
	if len(d.Index) > MaxIndex {
		return nil, fault.Field("index", "A document has at most %d index fields.", MaxIndex)
	}
	for name, value := range d.Index {
		if err := validateField("index", name); err != nil {
			return nil, err
		}
		if err := validateValue("index."+name, value); err != nil {
			return nil, err
		}
	}
	if !d.Expires.IsZero() {
		// Outside of these years neither Timestamp nor Firestore's type holds.
		if y := d.Expires.UTC().Year(); y < 1 || y > 9999 {
			return nil, fault.Field("expires", "An expiry lies in the years 1 to 9999.")
		}
	}
	return decodeBody(d.Body)
}

// Validate returns nil where the query is one that every driver answers, and
// fault.Invalid otherwise.
func (q Query) Validate() error {
	if err := q.Kind.Validate(); err != nil {
		return err
	}
	if q.Limit < 1 || q.Limit > MaxLimit {
		return fault.Field("limit", "A limit lies between 1 and %d.", MaxLimit)
	}
	if !q.After.IsZero() {
		if err := (Key{q.Kind, q.After.ID}).Validate(); err != nil {
			return fault.Wrap(err, fault.Invalid, "invalid-cursor", "This is not a cursor of an earlier page.")
		}
	}
	if q.Field == "" {
		if q.From != "" || q.To != "" || q.After.Value != "" {
			return fault.Field("field", "A query without a field has no bounds.")
		}
		return nil
	}
	if err := validateField("field", q.Field); err != nil {
		return err
	}
	// The upper bound may be a value with the NUL of Equal behind it.
	for _, v := range []string{q.From, strings.TrimSuffix(q.To, "\x00"), q.After.Value} {
		if err := validateValue("field."+q.Field, v); err != nil {
			return err
		}
	}
	return nil
}

// Cursor returns the place of d in the order of q, for the next page's After.
func (q Query) Cursor(d Document) Cursor {
	if q.Field == "" {
		return Cursor{ID: d.Key.ID}
	}
	return Cursor{Value: d.Index[q.Field], ID: d.Key.ID}
}

func validateField(path, name string) error {
	if !word(name, MaxField, "-_.") {
		return fault.Field(path, "An index field has 1 to %d of the characters A-Z a-z 0-9 _ - . and is not of the form \"__…__\".", MaxField)
	}
	return nil
}

// validateValue refuses NUL because Equal and the embedded index end a value
// with it.
func validateValue(path, v string) error {
	if len(v) > MaxValue || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return fault.Field(path, "An index value is UTF-8 without NUL and has at most %d bytes.", MaxValue)
	}
	return nil
}

// micros is the precision to which expiry survives on every driver.
func micros(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func reserved(s string) bool {
	return len(s) >= 4 && strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__")
}

func word(s string, most int, also string) bool {
	if s == "" || len(s) > most || reserved(s) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(also, c) >= 0
		if !ok {
			return false
		}
	}
	return true
}
