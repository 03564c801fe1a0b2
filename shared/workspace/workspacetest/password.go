package workspacetest

import (
	"crypto/md5"  //nolint:gosec // a format that Google takes
	"crypto/sha1" //nolint:gosec // a format that Google takes
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var (
	md5Hex   = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	sha1Hex  = regexp.MustCompile(`^[0-9a-fA-F]{40}$`)
	desCrypt = regexp.MustCompile(`^[./0-9A-Za-z]{13}$`)
	modCrypt = regexp.MustCompile(`^\$([156])\$(?:rounds=([0-9]{1,9})\$)?([^$]{0,16})\$([./0-9A-Za-z]+)$`)
)

// maxRounds is the highest cost that Google takes.
const maxRounds = 10_000

var digestLength = map[string]int{"1": 22, "5": 43, "6": 86}

// applyPasswordLocked reads password and hashFunction together: with a hash function
// the password must be a hash of it, which the customer's policy cannot judge.
func (s *Server) applyPasswordLocked(r *record, body fieldMap) *googletest.Error {
	v, ok := body["password"]
	if !ok || isNull(v) {
		return nil
	}
	refused := invalid("Invalid Password")
	password, function := text(v), text(body["hashFunction"])
	switch function {
	case "":
		if !plainFits(password) || !r.customer.passwords.takes(r, password) {
			return refused
		}
	case "MD5", "SHA-1", "crypt":
		if !hashFits(function, password) {
			return refused
		}
	default:
		return invalid("Invalid Input: hashFunction")
	}
	m := r.rare()
	m.password, m.hash = secret.New(password), function
	m.sets = append(slices.Clip(m.sets), PasswordSet{At: s.opt.Now(), Password: m.password, Hash: function})
	return nil
}

func plainFits(p string) bool {
	if len(p) < 8 || len(p) > 100 {
		return false
	}
	return !strings.ContainsFunc(p, func(c rune) bool { return c < ' ' || c > '~' })
}

func hashFits(function, h string) bool {
	switch function {
	case "MD5":
		return md5Hex.MatchString(h)
	case "SHA-1":
		return sha1Hex.MatchString(h)
	}
	if desCrypt.MatchString(h) {
		return true
	}
	m := modCrypt.FindStringSubmatch(h)
	if m == nil || len(m[4]) != digestLength[m[1]] {
		return false
	}
	if m[2] == "" {
		return true
	}
	rounds, err := strconv.Atoi(m[2])
	return err == nil && m[1] != "1" && rounds <= maxRounds
}

// PasswordIs reports whether v is the user's password. Of one that was sent as
// MD5 or SHA-1 it knows by hashing v; of a crypt hash v must be the hash itself.
// A user unknown or without a password has none that fits.
func (s *Server) PasswordIs(userKey string, v secret.Value) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.findLocked(userKey)
	if r == nil || r.more == nil || r.more.password.Empty() {
		return false
	}
	switch r.more.hash {
	case "MD5":
		sum := md5.Sum(v.Bytes()) //nolint:gosec // see above
		return strings.EqualFold(hex.EncodeToString(sum[:]), r.more.password.Reveal())
	case "SHA-1":
		sum := sha1.Sum(v.Bytes()) //nolint:gosec // see above
		return strings.EqualFold(hex.EncodeToString(sum[:]), r.more.password.Reveal())
	default:
		return r.more.password.Equal(v)
	}
}
