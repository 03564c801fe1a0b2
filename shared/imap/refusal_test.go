package imap_test

import (
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/imap"
)

func TestRefusal_SaysInWordsWhatGoogleSaysInJSON(t *testing.T) {
	t.Parallel()
	for challenge, reason := range map[string]string{
		`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`:     imap.ReasonToken,
		`{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}`: imap.ReasonToken,
		`{"status":"403","schemes":"Bearer"}`:                                        imap.ReasonScope,
		`{"status":"insufficient_scope","scope":"mail"}`:                             imap.ReasonScope,
		`{"status":"invalid_token"}`:                                                 imap.ReasonToken,
		`{"status":"503"}`:                                                           imap.ReasonServer,
		`{"status":"ya29.secret","schemes":"ya29.secret","scope":"ya29.secret"}`:     imap.ReasonToken,
		`{"status":401}`: imap.ReasonToken,
		`ya29.secret`:    imap.ReasonToken,
		``:               imap.ReasonToken,
	} {
		f := imap.ParseRefusal([]byte(challenge)).Fault()
		if f.Reason != reason || f.Public == "" || strings.Contains(f.Error(), "ya29") {
			t.Errorf("%s: %v", challenge, f)
		}
	}
}
