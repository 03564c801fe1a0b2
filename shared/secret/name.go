package secret

import "github.com/rollcall-emm/rollcall/shared/fault"

// MaxName is the longest name a Store takes, in characters.
const MaxName = 200

// MaxValue is the largest value a Store takes, in bytes.
const MaxValue = 64 << 10

// CheckName returns fault.Invalid unless name is one that a Store takes: 1 to
// MaxName characters of [A-Za-z0-9_-]. The name itself is not in the error, for
// a caller who mixes up the arguments would print a secret.
func CheckName(name string) error {
	if name == "" {
		return fault.Field("name", "a secret's name must not be empty")
	}
	if len(name) > MaxName {
		return fault.Field("name", "a secret's name is at most %d characters, this one has %d", MaxName, len(name))
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return fault.Field("name", "a secret's name holds only A-Z, a-z, 0-9, '_' and '-'; position %d is another character", i+1)
		}
	}
	return nil
}

// CheckValue returns fault.Invalid unless v is one that a Store keeps: 1 to
// MaxValue bytes.
func CheckValue(v Value) error {
	switch n := len(v.Reveal()); {
	case n == 0:
		return fault.Field("value", "a secret's value must not be empty")
	case n > MaxValue:
		return fault.Field("value", "a secret's value is at most %d bytes, this one has %d", MaxValue, n)
	}
	return nil
}
