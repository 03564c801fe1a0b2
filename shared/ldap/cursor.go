package ldap

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Cursor is a place in a directory's history, from where Changes goes on. It is
// printable ASCII, tells nothing of a person, and is empty where the directory
// offers none. It is valid for one configuration: another base, filter or mapping
// has other changes.
type Cursor string

// mark is a Cursor taken apart.
type mark struct {
	Kind  directory.Incremental `json:"k"`
	Scope string                `json:"s"`
	// Cookie is the server's own, for SyncCookie and DirSync.
	Cookie []byte `json:"c,omitempty"`
	// Flags are those of DirSync.
	Flags int64 `json:"f,omitempty"`
	// USN is the last change seen, of the database Invocation.
	USN        int64  `json:"u,omitempty"`
	Invocation []byte `json:"i,omitempty"`
	// At is the server's time before which everything was seen, for ModifyStamp.
	At time.Time `json:"t,omitzero"`
}

// maxCursor bounds what is parsed; a DirSync cookie grows with the number of
// domain controllers, by 24 bytes each.
const maxCursor = 256 << 10

func (m mark) cursor() Cursor {
	b, err := json.Marshal(m)
	if err != nil {
		return "" // a time beyond the year 9999: walk in full
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(b))
}

// parseCursor takes a cursor of this scope apart.
func parseCursor(cur Cursor, scope string) (mark, error) {
	var m mark
	if len(cur) == 0 || len(cur) > maxCursor {
		return mark{}, stale("there is none")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(cur))
	if err != nil || json.Unmarshal(b, &m) != nil {
		return mark{}, stale("it is malformed")
	}
	if m.Scope != scope {
		return mark{}, stale("the configuration has changed")
	}
	return m, nil
}

// stale says that a cursor is of no use.
func stale(why string) error {
	return fault.New(fault.Conflict, ReasonCursor, "The place up to which the directory was read is not known: %s. It has to be read in full.", why)
}
