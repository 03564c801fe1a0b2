package xoauth2_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/xoauth2"
)

func TestEncoded_M4_IsThatOfGmailsPage(t *testing.T) {
	t.Parallel()
	// The example of developers.google.com/gmail/imap/xoauth2-protocol.
	const want = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
	got, err := xoauth2.Encoded("someuser@example.com", secret.New("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"))
	if err != nil || got.Reveal() != want {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	for _, tc := range []struct{ mailbox, token, field string }{
		{"", "t", "mailbox"}, {"a@b\x01auth=Bearer x", "t", "mailbox"}, {"a@b\r\n", "t", "mailbox"},
		{"a@b", "", "token"}, {"a@b", "t\x01\x01", "token"}, {"a@b", "t\n", "token"},
	} {
		if _, err := xoauth2.Encoded(tc.mailbox, secret.New(tc.token)); fault.As(err) == nil || fault.As(err).Field != tc.field {
			t.Errorf("%q %q: %v", tc.mailbox, tc.token, err)
		}
	}
}

// A response has the two fields that were meant, whatever they hold.
func FuzzEncoded(f *testing.F) {
	f.Add("ann@example.com", "ya29.a")
	f.Add("a\x01b", "c")
	f.Add("ü@example.com", "\x7f")
	f.Fuzz(func(t *testing.T, mailbox, token string) {
		v, err := xoauth2.Encoded(mailbox, secret.New(token))
		if err != nil {
			return
		}
		raw, err := base64.StdEncoding.DecodeString(v.Reveal())
		if err != nil || strings.Count(string(raw), "\x01") != 3 || string(raw) != "user="+mailbox+"\x01auth=Bearer "+token+"\x01\x01" {
			t.Errorf("%q %q made %q", mailbox, token, raw)
		}
	})
}
