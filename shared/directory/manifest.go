package directory

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Row is what is remembered of one listed record to tell next time whether it
// changed: 32 bytes, so that 100,000 people are 3 MB (invariant D4).
type Row struct {
	// Key is person.KeyHash of the record's id.
	Key [16]byte
	// Digest is of the mapped fields; zero is equal to none and makes the next run
	// take the record for changed.
	Digest [8]byte
	// Mail is MailHash of the address, zero where there is none.
	Mail [8]byte
}

const rowSize = 32

// RowOfEntry returns the row of an LDAP entry, or of a person of GoogleOnly.
func RowOfEntry(enterprise string, e person.Entry) Row {
	e.DN = "" // a move alone changes nothing that is kept but the unit
	e.Aliases = addresses(e.Aliases)
	return Row{Key: person.KeyHash(enterprise, e.ID), Digest: digest(e), Mail: MailHash(e.Mail)}
}

// RowOfGoogle returns the row of a Google account.
func RowOfGoogle(enterprise string, g person.Google) Row {
	// What Rollcall alone knows is not Google's word, and when an account was made
	// never changes.
	g.SuspendedByUs, g.Hash, g.DeleteAt, g.CreatedAt = false, "", time.Time{}, time.Time{}
	g.Aliases = addresses(g.Aliases)
	return Row{Key: person.KeyHash(enterprise, g.ID), Digest: digest(g), Mail: MailHash(g.Mail)}
}

// MailHash returns eight bytes that are equal for addresses of one mailbox; zero
// for no address.
func MailHash(address string) (h [8]byte) {
	key := person.MailKey(address)
	if key == "" {
		return h
	}
	sum := sha256.Sum256([]byte("rollcall mail v1\x00" + key))
	copy(h[:], sum[:])
	return h
}

func digest(v any) (d [8]byte) {
	// encoding/json writes fields in order and maps by key, so equal values are
	// equal texts; strings and flags cannot fail.
	b, _ := json.Marshal(v)
	sum := sha256.Sum256(b)
	copy(d[:], sum[:])
	return d
}

// Manifest is the rows of one source, in order of key. The zero value is empty.
type Manifest []Row

// NewManifest sorts rows, which it takes over, and returns them without the
// repetitions of a key, of which the last stays: who is renamed during a walk is
// listed twice.
func NewManifest(rows []Row) Manifest {
	slices.SortStableFunc(rows, func(a, b Row) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	out := rows[:0]
	for i, r := range rows {
		if i+1 < len(rows) && rows[i+1].Key == r.Key {
			continue
		}
		out = append(out, r)
	}
	return Manifest(out)
}

// Find returns the row of a key.
func (m Manifest) Find(key [16]byte) (Row, bool) {
	i, ok := slices.BinarySearchFunc(m, key, func(r Row, k [16]byte) int { return bytes.Compare(r.Key[:], k[:]) })
	if !ok {
		return Row{}, false
	}
	return m[i], true
}

// Unchanged reports whether m has the row as it is.
func (m Manifest) Unchanged(r Row) bool {
	old, ok := m.Find(r.Key)
	return ok && old == r && old.Digest != [8]byte{}
}

// Missing calls fn for each row of m whose key next does not have, in order of key.
func (m Manifest) Missing(next Manifest, fn func(Row)) {
	j := 0
	for _, r := range m {
		for j < len(next) && bytes.Compare(next[j].Key[:], r.Key[:]) < 0 {
			j++
		}
		if j == len(next) || next[j].Key != r.Key {
			fn(r)
		}
	}
}

// Mails finds rows by address.
type Mails struct {
	rows Manifest
	by   []int32
}

// Mails returns an index of m by address, of 4 bytes a row.
func (m Manifest) Mails() Mails {
	by := make([]int32, 0, len(m))
	for i := range m {
		if m[i].Mail != [8]byte{} {
			by = append(by, int32(i))
		}
	}
	slices.SortFunc(by, func(a, b int32) int { return bytes.Compare(m[a].Mail[:], m[b].Mail[:]) })
	return Mails{m, by}
}

// Of returns the rows with the address of that hash, in no order.
func (x Mails) Of(mail [8]byte) []Row {
	i, _ := slices.BinarySearchFunc(x.by, mail, func(a int32, h [8]byte) int { return bytes.Compare(x.rows[a].Mail[:], h[:]) })
	var rows []Row
	for ; i < len(x.by) && x.rows[x.by[i]].Mail == mail; i++ {
		rows = append(rows, x.rows[x.by[i]])
	}
	return rows
}

// BucketRows is how many rows a bucket has at most on average: a bucket is one
// document, and base64 of it stays far below a document's limit.
const BucketRows = 8192

// Buckets returns the rows cut into 1, 2, 4, ... packed buckets by the first bits
// of the key, so that a changed row changes one bucket.
func (m Manifest) Buckets() [][]byte {
	n := 1
	for n*BucketRows < len(m) {
		n *= 2
	}
	out := make([][]byte, n)
	i := 0
	for b := range out {
		from := i
		for i < len(m) && bucketOf(m[i].Key, n) == b {
			i++
		}
		out[b] = Pack(m[from:i])
	}
	return out
}

func bucketOf(key [16]byte, n int) int {
	return int(uint64(binary.BigEndian.Uint32(key[:4])) * uint64(n) >> 32)
}

// Pack returns rows as bytes, 32 each.
func Pack(rows []Row) []byte {
	out := make([]byte, 0, len(rows)*rowSize)
	for _, r := range rows {
		out = append(append(append(out, r.Key[:]...), r.Digest[:]...), r.Mail[:]...)
	}
	return out
}

// Unpack reads what Pack wrote and appends it to rows. Bytes that cannot be rows
// are fault.Permanent.
func Unpack(rows []Row, b []byte) ([]Row, error) {
	if len(b)%rowSize != 0 {
		return rows, fault.New(fault.Permanent, "manifest-damaged", "the record of the last directory run is damaged; run a full sync")
	}
	rows = slices.Grow(rows, len(b)/rowSize)
	for ; len(b) > 0; b = b[rowSize:] {
		var r Row
		copy(r.Key[:], b)
		copy(r.Digest[:], b[16:])
		copy(r.Mail[:], b[24:])
		rows = append(rows, r)
	}
	return rows, nil
}
