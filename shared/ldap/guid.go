package ldap

import (
	"encoding/hex"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// entryUUID is the immutable id of RFC 4530, which RFC 4533 names entries by.
const entryUUID = "entryUUID"

// guidText returns Active Directory's binary GUID, whose first three parts are
// little-endian ([MS-DTYP] 2.3.4.2), as the text that Windows shows; "" where it
// is not 16 bytes long.
func guidText(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	b = swapGUID(b)
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// guidBytes is the inverse of guidText.
func guidBytes(text string) ([]byte, bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, false
	}
	b, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:])
	if err != nil {
		return nil, false
	}
	return swapGUID(b), true
}

// swapGUID turns one order of the 16 bytes into the other.
func swapGUID(b []byte) []byte {
	return []byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]}
}

// binaryID reports whether the attribute of ids holds binary GUIDs.
func binaryID(attribute string) bool { return strings.EqualFold(attribute, "objectGUID") }

// idFilter returns the filter that finds an id, and whether there can be such an id.
func idFilter(attribute, id string) (string, bool) {
	if !binaryID(attribute) {
		return "(" + attribute + "=" + goldap.EscapeFilter(id) + ")", id != ""
	}
	b, ok := guidBytes(strings.ToLower(id))
	if !ok {
		return "", false
	}
	// Letters are escaped as well: a GUID is no text.
	var f strings.Builder
	for _, c := range b {
		f.WriteByte('\\')
		f.WriteString(hex.EncodeToString([]byte{c}))
	}
	return "(" + attribute + "=" + f.String() + ")", true
}
