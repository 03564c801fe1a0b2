package imap

import (
	"strings"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
)

// Whatever a server says, what is told of it is ours.
func FuzzRefused(f *testing.F) {
	f.Add("NO", "AUTHENTICATIONFAILED", "Invalid credentials (Failure)", []byte(`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`))
	f.Add("NO", "ALERT", "Your account is not enabled for IMAP use.", []byte(nil))
	f.Add("BYE", "UNAVAILABLE", "", []byte(`{"status":"insufficient_scope"}`))
	f.Add("BAD", "", "", []byte(`{"status":{}}`))
	sentences := map[string]bool{}
	for _, t := range []told{off, busy, atBrowser, failing, otherMailbox, refusing, noIMAP} {
		sentences[t.public] = true
	}
	for _, status := range []string{"", "403", "500"} {
		sentences[Refusal{status}.Fault().Public] = true
	}
	f.Fuzz(func(t *testing.T, kind, code, text string, challenge []byte) {
		if kind != "NO" && kind != "BAD" && kind != "BYE" {
			return // go-imap lets nothing else through
		}
		answer := &goimap.Error{Type: goimap.StatusResponseType(kind), Code: goimap.ResponseCode(code), Text: text + "LEAK"}
		r := ParseRefusal(challenge)
		for _, refusal := range []*Refusal{nil, &r} {
			got := refused(answer, refusal)
			if !sentences[got.Public] || got.Reason == "" {
				t.Errorf("%+v %s: %v", answer, challenge, got)
			}
			if cause := got.Err.Error(); strings.Contains(cause, "LEAK") || len(cause) > 60 {
				t.Errorf("%+v %s: the cause is %q", answer, challenge, cause)
			}
		}
	})
}
