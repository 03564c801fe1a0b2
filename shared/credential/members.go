package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// MaxFile is the largest file that is read, in bytes. Google's are below 3 KiB.
const MaxFile = 32 << 10

// members are the top level of a JSON object by their exact names.
type members map[string]json.RawMessage

// text returns a member that is a string; "" for any other.
func (m members) text(name string) string {
	var s string
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

// readMembers reads a file that must be one JSON object. A name that comes twice
// is refused: two readers could take two different values for it.
func readMembers(file []byte) (members, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	trimmed := bytes.TrimSpace(file)
	switch {
	case len(trimmed) == 0:
		return nil, fault.Field("", "the file is empty; send the JSON file that Google's console handed out, unchanged")
	case len(file) > MaxFile:
		return nil, fault.Field("", "the file is too large for a key file, which has at most %d KiB", MaxFile>>10)
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		return nil, fault.Field("", "this is a bare key in PEM; send the JSON file of Google's console, which has the account's address as well")
	case trimmed[0] == 0x30 && !utf8.Valid(trimmed):
		return nil, fault.Field("", "this looks like a P12 file; import it as one, with the account's e-mail address and client id")
	case trimmed[0] != '{' || !utf8.Valid(file):
		return nil, fault.Field("", "this is not a service account's key file; send the JSON file that Google's console handed out, unchanged")
	}
	m := members{}
	d := json.NewDecoder(bytes.NewReader(file))
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, notJSON(err)
		}
		s, _ := name.(string)
		if _, twice := m[s]; twice {
			return nil, fault.Field("", "a member of the key file is there twice; send the file that Google's console handed out, unchanged")
		}
		m[s] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Field("", "something follows the end of the key file; send one file, unchanged")
	}
	return m, nil
}

// notJSON tells a file that was cut off from one that was broken otherwise. The
// parser's own text quotes what it met.
func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "unexpected end") {
		return fault.Field("", "the key file ends in the middle: it was cut off; copy or download it again")
	}
	return fault.Field("", "this is not a service account's key file; send the JSON file that Google's console handed out, unchanged")
}
