package ldaptest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// set replaces the values of an attribute.
func (t *tree) set(dn, attribute string, values []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, err := t.find(dn)
	if err != nil {
		return err
	}
	n := old.clone()
	n.set(attribute, values)
	t.put(old, n, attribute)
	return nil
}

func (t *tree) rename(dn, newDN string) error {
	key, err := keyOf(newDN)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old, err := t.leaf(dn)
	if err != nil {
		return err
	}
	if n := t.byKey[key]; n != nil && n != old {
		return fmt.Errorf("ldaptest: there is an entry %q already", newDN)
	}
	if up := parentKey(key); t.byKey[up] == nil {
		if err := t.insert(up, container(up)); err != nil {
			return err
		}
	}
	n := old.clone()
	n.dn, n.key = newDN, key
	if kind, value, ok := strings.Cut(strings.SplitN(newDN, ",", 2)[0], "="); ok && !strings.ContainsAny(value, `\+`) {
		n.set(kind, []string{value})
	}
	t.put(old, n, "name")
	return nil
}

func (t *tree) remove(dn string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, err := t.leaf(dn)
	if err != nil {
		return err
	}
	if t.schema == directory.ActiveDirectory {
		n := old.clone()
		n.deleted = true
		n.pairs = slices.DeleteFunc(n.pairs, func(p pairing) bool { return !strings.EqualFold(p.name, "objectClass") })
		n.dn = "CN=" + guidText(n.id) + "\\0ADEL:" + guidText(n.id) + "," + deletedObjects + "," + t.byKey[t.base].dn
		if n.key, err = keyOf(n.dn); err != nil {
			return err
		}
		t.put(old, n, "isDeleted")
		return nil
	}
	delete(t.byKey, old.key)
	t.unindex(old)
	i, _ := t.position(old.seq)
	t.order = slices.Delete(t.order, i, i+1)
	return nil
}

// leaf is find for an entry that must have none below it.
func (t *tree) leaf(dn string) (*node, error) {
	n, err := t.find(dn)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(n.pairs, func(p pairing) bool { return p.name == "uid" || p.name == "sAMAccountName" }) {
		return n, nil // people have none, and looking would be long
	}
	for key := range t.byKey {
		if strings.HasSuffix(key, ","+n.key) {
			return nil, fmt.Errorf("ldaptest: there are entries below %q", dn)
		}
	}
	return n, nil
}
