package ldaptest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// tree holds the entries.
type tree struct {
	schema   directory.Schema
	base     string // key of the base
	now      func() time.Time
	computed map[string]computation

	mu      sync.Mutex
	seq     int64
	usn     int64
	byKey   map[string]*node
	order   []*node // by seq
	indexes map[string]index
}

func newTree(opt Options) (*tree, error) {
	t := &tree{
		schema: opt.Schema, now: opt.Now, computed: computedFor(opt.Schema),
		byKey: map[string]*node{}, indexes: map[string]index{},
	}
	var err error
	if t.base, err = keyOf(opt.BaseDN); err != nil {
		return nil, err
	}
	if err := t.add(container(opt.BaseDN)); err != nil {
		return nil, err
	}
	if t.schema == directory.ActiveDirectory {
		for _, dn := range []string{deletedObjects, configuration, settings} {
			if err := t.add(Entry{DN: dn + "," + opt.BaseDN, Attributes: map[string][]string{
				"objectClass": {"top", "container"}, "invocationId": {invocation},
			}}); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// keyOf returns the form of a DN in which equal ones are equal, and the DN above is
// a suffix behind a comma.
func keyOf(dn string) (string, error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return "", fmt.Errorf("ldaptest: the DN %q: %w", dn, err)
	}
	return strings.ToLower(parsed.String()), nil
}

func parentKey(key string) string {
	for i := 0; i < len(key); i++ {
		switch key[i] {
		case '\\':
			i++
		case ',':
			return key[i+1:]
		}
	}
	return ""
}

// container returns an entry that stands above others.
func container(dn string) Entry {
	kind, value, _ := strings.Cut(strings.SplitN(dn, ",", 2)[0], "=")
	class := map[string]string{"dc": "dcObject", "ou": "organizationalUnit", "o": "organization"}[strings.ToLower(kind)]
	if class == "" {
		class = "container"
	}
	return Entry{DN: dn, Attributes: map[string][]string{"objectClass": {"top", class}, kind: {value}}}
}

func (t *tree) add(e Entry) error {
	key, err := keyOf(e.DN)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.insert(key, e)
}

func (t *tree) insert(key string, e Entry) error {
	if t.byKey[key] != nil {
		return fmt.Errorf("ldaptest: there is an entry %q already", e.DN)
	}
	if key != t.base {
		if !strings.HasSuffix(key, ","+t.base) {
			return fmt.Errorf("ldaptest: %q is not below the base", e.DN)
		}
		if up := parentKey(key); t.byKey[up] == nil {
			if err := t.insert(up, container(up)); err != nil {
				return err
			}
		}
	}
	t.seq++
	n := &node{seq: t.seq, dn: e.DN, key: key, created: t.now().Unix()}
	names := make([]string, 0, len(e.Attributes))
	for name := range e.Attributes {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		switch strings.ToLower(name) {
		case "entryuuid", "objectguid", "nsuniqueid":
			if len(e.Attributes[name]) > 0 {
				n.id = t.idFrom(e.Attributes[name][0])
			}
		default:
			for _, v := range e.Attributes[name] {
				n.pairs = append(n.pairs, pairing{name, v})
			}
		}
	}
	n.pairs = slices.Clip(n.pairs)
	if n.id == [16]byte{} {
		sum := sha256.Sum256([]byte(key + "\x00" + strconv.FormatInt(t.seq, 10)))
		copy(n.id[:], sum[:])
	}
	t.order = append(t.order, n)
	t.put(nil, n, "")
	return nil
}

// idFrom reads an id from text; what is no id gives none.
func (t *tree) idFrom(text string) (id [16]byte) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 {
		return id
	}
	copy(id[:], b)
	if t.schema == directory.ActiveDirectory {
		id = swapped(id)
	}
	return id
}

// put makes n, which is in the order already, the state of its entry; attribute is
// what differs from old.
func (t *tree) put(old, n *node, attribute string) {
	t.usn++
	n.usn, n.changed = t.usn, t.now().Unix()
	if old == nil {
		n.added = t.usn
	} else {
		if n.changes == nil {
			n.changes = map[string]int64{}
		}
		n.changes[strings.ToLower(attribute)] = t.usn
		delete(t.byKey, old.key)
		t.unindex(old)
		i, _ := t.position(old.seq)
		t.order[i] = n
	}
	t.byKey[n.key] = n
	t.index(n)
}

// position returns where the entries after seq-1 begin, and whether seq is there.
func (t *tree) position(seq int64) (int, bool) {
	return slices.BinarySearchFunc(t.order, seq, func(n *node, s int64) int { return int(n.seq - s) })
}

// find returns an entry, or an error that names it.
func (t *tree) find(dn string) (*node, error) {
	key, err := keyOf(dn)
	if err != nil {
		return nil, err
	}
	if n := t.byKey[key]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("ldaptest: there is no entry %q", dn)
}

func (t *tree) idOf(dn string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.find(dn)
	switch {
	case err != nil:
		return ""
	case t.schema == directory.ActiveDirectory:
		return guidText(n.id)
	case t.schema == directory.DirectoryServer:
		return nsText(n.id)
	default:
		return uuidText(n.id)
	}
}

func guidText(id [16]byte) string { return uuidText(swapped(id)) }

func (t *tree) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.order)
}

// byUSN returns the entries with a change number above since and up to upTo, in
// the order of change.
func (t *tree) byUSN(since, upTo int64) []*node {
	var out []*node
	for _, n := range t.order {
		if n.usn > since && n.usn <= upTo {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *node) int { return int(a.usn - b.usn) })
	return out
}
