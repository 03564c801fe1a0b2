package embedded

import (
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"github.com/rollcall-emm/rollcall/shared/store"
)

// A record is the stored form of a document: a version byte, the expiry in
// microseconds since 1970 (noExpiry for none), the number of index fields, each
// name and value behind its length, and the body up to the end. The lengths are
// varints. The body comes last and unchanged because reading one is the hot path:
// it costs one copy and no parsing.
const recordVersion = 1

// noExpiry is outside of the years that a document's expiry may have.
const noExpiry = -1 << 63

var errRecord = errors.New("embedded: a stored record cannot be read")

func encodeRecord(d store.Document) []byte {
	out := make([]byte, 0, len(d.Body)+128)
	out = append(out, recordVersion)
	expires := int64(noExpiry)
	if !d.Expires.IsZero() {
		expires = d.Expires.UnixMicro()
	}
	out = binary.AppendVarint(out, expires)
	out = binary.AppendUvarint(out, uint64(len(d.Index)))
	fields := make([]string, 0, len(d.Index))
	for field := range d.Index {
		fields = append(fields, field)
	}
	sort.Strings(fields) // so that equal documents have equal records
	for _, field := range fields {
		out = appendText(out, field)
		out = appendText(out, d.Index[field])
	}
	return append(out, d.Body...)
}

func appendText(out []byte, s string) []byte {
	out = binary.AppendUvarint(out, uint64(len(s)))
	return append(out, s...)
}

// decodeRecord copies what it returns: raw belongs to a bolt transaction and is
// gone with it.
func decodeRecord(key store.Key, raw []byte) (store.Document, error) {
	doc := store.Document{Key: key}
	if len(raw) == 0 || raw[0] != recordVersion {
		return doc, errRecord
	}
	r := reader{rest: raw[1:]}
	if expires := r.varint(); expires != noExpiry {
		doc.Expires = time.UnixMicro(expires).UTC()
	}
	n := r.uvarint()
	if n > store.MaxIndex {
		return doc, errRecord
	}
	if n > 0 {
		doc.Index = make(map[string]string, n)
	}
	for range n {
		field := r.text()
		doc.Index[field] = r.text()
	}
	if r.bad {
		return doc, errRecord
	}
	doc.Body = append([]byte(nil), r.rest...)
	return doc, nil
}

// reader takes a record apart; after a fault everything it returns is zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) text() string {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad = true
		return
	}
	r.rest = r.rest[n:]
}
