package push

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// wait is for what an admin has to mend.
const wait = time.Hour

// refused is password.Judge with what only the client of Google knows: a refusal
// that came before the request was sent, as from the token endpoint, is about the
// enterprise's access and never about the person.
func refused(err error, age time.Duration) password.Verdict {
	if google.NothingDone(err) {
		return barred(err)
	}
	return password.Judge(err, age)
}

// barred judges on what kept Google from being asked at all. It gives up nobody's
// password, but for one whose ciphertext is damaged.
func barred(err error) password.Verdict {
	v := password.Judge(err, 0)
	v.Unanswered = false
	if v.Outcome != password.Deferred && v.Reason != password.ReasonUnreadable {
		v.Outcome, v.RetryAfter = password.Deferred, max(v.RetryAfter, wait)
	}
	return v
}

func off() error {
	return fault.New(fault.Conflict, password.ReasonOff, "The enterprise has no password policy.")
}

func unlinked() error {
	return fault.New(fault.Permanent, password.ReasonNoDirectory, "The enterprise's directory says nothing about Google.")
}
