package workspacetest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// flags are the booleans of a user.
type flags uint16

const (
	suspended flags = 1 << iota
	archived
	changePassword
	admin
	delegatedAdmin
	statusHidden // replies lack suspended and archived
	inserted     // by the API, not by a seed
)

// record is a user. A hundred thousand of them should cost little, so what few
// have is in more.
type record struct {
	id          uint64
	email       string
	given       string
	family      string
	orgUnitPath string
	customer    *customer
	created     int64 // nanoseconds since 1970
	version     uint32
	flags       flags
	more        *rareFields
}

// rareFields are what a seeded user mostly lacks.
type rareFields struct {
	displayName string
	aliases     []string
	password    secret.Value // plain, or the hash
	hash        string       // the hash function
	sets        []PasswordSet
	deleted     int64
	youngUntil  int64 // see Server.Young
	unsettled   int
	fields      map[string]json.RawMessage
}

func (r *record) is(f flags) bool { return r.flags&f != 0 }

func (r *record) set(f flags, on bool) {
	if on {
		r.flags |= f
	} else {
		r.flags &^= f
	}
}

func (r *record) isAnyAdmin() bool { return r.is(admin | delegatedAdmin) }

func (r *record) rare() *rareFields {
	if r.more == nil {
		r.more = &rareFields{}
	}
	return r.more
}

func (r *record) createdAt() time.Time { return time.Unix(0, r.created).UTC() }

// deletedAt returns 0 for the living.
func (r *record) deletedAt() int64 {
	if r.more == nil {
		return 0
	}
	return r.more.deleted
}

func (r *record) aliases() []string {
	if r.more == nil {
		return nil
	}
	return r.more.aliases
}

func (r *record) domain() string { return domainOf(r.email) }

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

func (r *record) etag() string { return fmt.Sprintf(`"sim-%x-%d"`, r.id, r.version) }

// idText writes an id as Google does: 21 digits.
func idText(id uint64) string { return fmt.Sprintf("1%020d", id) }

func (s *state) recordByIDLocked(key string) *record {
	if len(key) != 21 || key[0] != '1' {
		return nil
	}
	id, err := strconv.ParseUint(key[1:], 10, 64)
	if err != nil {
		return nil
	}
	return s.byID[id]
}

// newIDLocked returns an id that tells nothing of the order of creation: the
// numbers 1, 2, 3 through splitmix64, which is one to one.
func (s *state) newIDLocked() uint64 {
	s.ids++
	z := s.ids * 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// touch marks a change.
func (r *record) touch() { r.version++ }
