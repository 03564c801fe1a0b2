package workspace

import (
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// HashFunction says what a password is a hash of.
type HashFunction string

// The hash functions that Google takes. Plain is no hash: the password itself,
// whose strength Google can then judge.
const (
	Plain HashFunction = ""
	// MD5 and SHA1 are hexadecimal and without salt, and therefore weak.
	MD5  HashFunction = "MD5"
	SHA1 HashFunction = "SHA-1"
	// Crypt is crypt(3) with DES, $1$, $5$ or $6$.
	Crypt HashFunction = "crypt"
)

// Password is a password to set. Its zero value is none.
type Password struct {
	Value secret.Value
	Hash  HashFunction
}

const (
	minPassword = 8
	maxPassword = 100
	// maxRounds is the highest cost of $5$ and $6$ that Google takes.
	maxRounds = 10_000
)

// Rounds of more than four digits can only be 10000, which is maxRounds.
var (
	md5Hex   = pattern.New(`^[0-9A-Fa-f]{32}$`)
	sha1Hex  = pattern.New(`^[0-9A-Fa-f]{40}$`)
	desCrypt = pattern.New(`^[./0-9A-Za-z]{13}$`)
	md5Crypt = pattern.New(`^\$1\$[^$:\s]{0,8}\$[./0-9A-Za-z]{22}$`)
	shaCrypt = pattern.New(`^\$(?:5|6)\$(?:rounds=(?:[0-9]{1,4}|10000)\$)?[^$:\s]{0,16}\$(?:[./0-9A-Za-z]{43}){1,2}$`)
)

// check refuses what Google would refuse, without a call and without a word of
// the password.
func (p Password) check() error {
	const field = "password"
	s := p.Value.Reveal()
	switch p.Hash {
	case Plain:
		if len(s) < minPassword || len(s) > maxPassword {
			return fault.Field(field, "must have %d to %d characters", minPassword, maxPassword)
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fault.Field(field, "must be printable ASCII")
		}
	case MD5:
		if !md5Hex.MatchString(s) {
			return fault.Field(field, "is no MD5 hash in hexadecimal")
		}
	case SHA1:
		if !sha1Hex.MatchString(s) {
			return fault.Field(field, "is no SHA-1 hash in hexadecimal")
		}
	case Crypt:
		if !cryptFits(s) {
			return fault.Field(field, "is no crypt hash that Google takes: DES, $1$, $5$, $6$, at most %d rounds", maxRounds)
		}
	default:
		return fault.Field("hashFunction", "is none that Google takes")
	}
	return nil
}

func cryptFits(s string) bool {
	if desCrypt.MatchString(s) || md5Crypt.MatchString(s) {
		return true
	}
	// The digest of $5$ has 43 characters, that of $6$ twice as many.
	digest := s[strings.LastIndexByte(s, '$')+1:]
	return shaCrypt.MatchString(s) && (len(digest) == 86) == strings.HasPrefix(s, "$6$")
}
