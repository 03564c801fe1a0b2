package push

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// wait is for what an admin has to mend.
const wait = time.Hour

// judge is password.Judge with what only the client of Google knows: a refusal that
// came before the request was sent, as from the token endpoint, is about the
// enterprise's access and never about the person.
func judge(err error, age time.Duration) password.Verdict {
	v := password.Judge(err, age)
	if google.NothingDone(err) {
		v.Unanswered = false
		if v.Outcome != password.Deferred {
			v.Outcome, v.RetryAfter = password.Deferred, max(v.RetryAfter, wait)
		}
	}
	return v
}

// ofKeys keeps a failure of the keys, or of where they are, from being taken for
// one of the person, unless the ciphertext itself is damaged.
func ofKeys(err error) error {
	f := fault.As(err)
	if f == nil || f.Reason == password.ReasonUnreadable || f.Kind == fault.Transient || f.Kind == fault.Exhausted {
		return err
	}
	return fault.Wrap(err, fault.Transient, f.Reason, "The key for stored passwords cannot be had.").After(max(f.RetryAfter, wait))
}
