package ldap

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Hash is a password hash in the form that Google takes.
type Hash struct {
	// Function is "MD5", "SHA-1" or "crypt".
	Function string
	Value    secret.Value
}

// The functions of Hash.
const (
	HashMD5   = "MD5"
	HashSHA1  = "SHA-1"
	HashCrypt = "crypt"
)

var (
	md5Crypt = pattern.New(`^\$1\$[^$:\s]{0,8}\$[./0-9A-Za-z]{22}$`)
	// Rounds of more than four digits can only be 10000, the most that Google takes.
	sha256Crypt = pattern.New(`^\$5\$(?:rounds=(?:[0-9]{1,4}|10000)\$)?[^$:\s]{0,16}\$[./0-9A-Za-z]{43}$`)
	sha512Crypt = pattern.New(`^\$6\$(?:rounds=(?:[0-9]{1,4}|10000)\$)?[^$:\s]{0,16}\$[./0-9A-Za-z]{86}$`)
	// schemeName is what an error may repeat: a name, and never the hash.
	schemeName = pattern.New(`^[A-Z][A-Z0-9_-]{0,31}$`)
)

// GoogleHash converts a stored userPassword (RFC 2307, 5.3) to what Google takes:
// {MD5} and {SHA} from base64 to hexadecimal, {CRYPT} of $1$, $5$ and $6$ with at
// most 10,000 rounds as it is. Everything else is fault.Permanent with
// ReasonHashUnsupported, which names the scheme alone; nothing is guessed.
func GoogleHash(raw []byte) (Hash, error) {
	rest, braced := strings.CutPrefix(string(raw), "{")
	scheme, value, closed := strings.Cut(rest, "}")
	scheme = strings.ToUpper(scheme)
	if !braced || !closed || !schemeName.MatchString(scheme) {
		// It may be the password itself.
		return Hash{}, unsupported("a password without a scheme")
	}
	switch scheme {
	case "MD5":
		return hexHash(HashMD5, scheme, value, 16)
	case "SHA", "SHA1":
		return hexHash(HashSHA1, scheme, value, 20)
	case "CRYPT":
		if md5Crypt.MatchString(value) || sha256Crypt.MatchString(value) || sha512Crypt.MatchString(value) {
			return Hash{Function: HashCrypt, Value: secret.New(value)}, nil
		}
		return Hash{}, unsupported("{CRYPT} other than $1$, $5$ and $6$ with at most 10000 rounds")
	}
	return Hash{}, unsupported("{" + scheme + "}")
}

func hexHash(function, scheme, value string, size int) (Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(b) != size {
		return Hash{}, unsupported("a malformed {" + scheme + "}")
	}
	return Hash{Function: function, Value: secret.New(hex.EncodeToString(b))}, nil
}

func unsupported(what string) error {
	return fault.New(fault.Permanent, ReasonHashUnsupported, "Google does not take %s as a password hash.", what)
}

// storedHash picks one of several values: the least that Google takes, else the
// least; nil where there is none.
func storedHash(values [][]byte) []byte {
	var best []byte
	fits := false
	for _, v := range values {
		if len(v) == 0 || len(v) > MaxValue {
			continue
		}
		_, err := GoogleHash(v)
		ok := err == nil
		if best == nil || ok && !fits || ok == fits && slices.Compare(v, best) < 0 {
			best, fits = v, ok
		}
	}
	return best
}

// PasswordHash returns the stored value of a person's password attribute, the one
// that Entry.Hash digests. It is ReasonNoHash where there is none that the service
// account may read, and ReasonHashesOff, without a connection, for a Client without
// HashDigest (invariant D1).
func (c *Client) PasswordHash(ctx context.Context, id string) (secret.Value, error) {
	attribute := c.ldap.Attributes.PasswordHash
	if c.opt.HashDigest == nil || attribute == "" {
		return secret.Value{}, fault.New(fault.Permanent, ReasonHashesOff, "Password hashes are not read from this directory.")
	}
	filter, ok := idFilter(c.ldap.Attributes.ID, id)
	if !ok {
		return secret.Value{}, noHash()
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	defer conn.close()
	req := c.people(and(c.scope.filter, filter))
	req.Attributes = []string{attribute}
	entries, _, err := conn.search(req)
	if err != nil {
		return secret.Value{}, err
	}
	if len(entries) != 1 {
		return secret.Value{}, noHash()
	}
	hash := storedHash(entries[0].GetEqualFoldRawAttributeValues(attribute))
	if hash == nil {
		return secret.Value{}, noHash()
	}
	return secret.NewBytes(hash), nil
}

func noHash() error {
	return fault.New(fault.NotFound, ReasonNoHash, "The directory shows no password hash of this person.")
}
