package mailclient

import (
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// local is what the part before the @ may have: RFC 5322's dot-atom but for the
	// backtick, with dots anywhere.
	local = letters + ".!#$%&'*+/=?^_{|}~-"
	// maxLocal and maxLabel are RFC 5321's and RFC 1035's.
	maxLocal, maxLabel = 64, 63
	// maxDepth is how many labels a domain has at most.
	maxDepth = 11
)

// CheckMailbox returns fault.Invalid, naming field, unless s may be a mailbox's
// address. What is accepted has no character that could end a field of XOAUTH2 or a
// line. A batch has hundreds, which a regular expression would take as long for as
// everything else together.
func CheckMailbox(field, s string) error {
	before, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > MaxAddress || before == "" || len(before) > maxLocal || !consists(before, local) || !isDomain(domain) {
		return fault.Field(field, "give the address of a mailbox, such as anna@example.com, in ASCII, with at most %d characters", MaxAddress)
	}
	return nil
}

func checkDomain(field, s string) error {
	if len(s) > 253 || !isDomain(s) {
		return fault.Field(field, "give a domain such as example.com, without @ and wildcards")
	}
	return nil
}

// isDomain reports whether s is two labels or more, of letters, digits and hyphens.
func isDomain(s string) bool {
	n := 0
	for label := range strings.SplitSeq(s, ".") {
		n++
		if label == "" || len(label) > maxLabel || !consists(label, letters+"-") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return n >= 2 && n <= maxDepth
}

// consists reports whether s has no other characters than those.
func consists(s, of string) bool { return strings.Trim(s, of) == "" }
