package ldaptest

import (
	"slices"
	"strings"
)

// indexed are the attributes that people are looked up by.
var indexed = []string{"entryuuid", "objectguid", "nsuniqueid", "uid", "samaccountname", "mail"}

// index is the entries by a value in lower case.
type index map[string][]*node

// index takes an entry into the indexes that there are.
func (t *tree) index(n *node) {
	for name, ix := range t.indexes {
		ix.add(t, name, n)
	}
}

func (t *tree) unindex(n *node) {
	for name, ix := range t.indexes {
		_, values := t.values(n, name)
		for _, v := range values {
			k := folded(name, v)
			ix[k] = slices.DeleteFunc(ix[k], func(o *node) bool { return o == n })
			if len(ix[k]) == 0 {
				delete(ix, k)
			}
		}
	}
}

func (ix index) add(t *tree, name string, n *node) {
	_, values := t.values(n, name)
	for _, v := range values {
		k := folded(name, v)
		ix[k] = append(ix[k], n)
	}
}

// lookup returns the entries with a value; ok is false where there is no index.
func (t *tree) lookup(name, value string) (found []*node, ok bool) {
	name = strings.ToLower(name)
	if !slices.Contains(indexed, name) {
		return nil, false
	}
	ix := t.indexes[name]
	if ix == nil {
		ix = index{}
		for _, n := range t.order {
			ix.add(t, name, n)
		}
		t.indexes[name] = ix
	}
	return ix[folded(name, value)], true
}

// exact are attributes whose values are compared byte by byte.
func exact(name string) bool {
	return strings.EqualFold(name, "objectGUID") || strings.EqualFold(name, "userPassword") || strings.EqualFold(name, "invocationId")
}

func folded(name, value string) string {
	if exact(name) {
		return value
	}
	return strings.ToLower(value)
}
