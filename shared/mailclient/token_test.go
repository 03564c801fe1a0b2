package mailclient_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestTokenRequest_NamesTheMailbox(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, field string
		mailboxes   []string
	}{
		{"one", "", []string{"anna@example.com"}},
		{"as many as can be", "", many(500, "u%05d@example.com")},
		{"none", "mailboxes", []string{}},
		{"nothing", "mailboxes", nil},
		{"too many", "mailboxes", many(501, "u%05d@example.com")},
		{"no address", "mailboxes[1]", []string{"anna@example.com", "bert"}},
		{"an empty one", "mailboxes[0]", []string{""}},
		{"twice", "mailboxes[2]", []string{"anna@example.com", "bert@example.com", "Anna@Example.com"}},
	} {
		check(t, tc.name, (&mailclient.TokenRequest{Mailboxes: tc.mailboxes}).Validate(), tc.field)
	}
}

// TestTokenReply_E3_ShowsTokensToReveal and to nothing else.
func TestTokenReply_E3_ShowsTokensToReveal(t *testing.T) {
	t.Parallel()
	r := mailclient.TokenReply{Items: []mailclient.TokenItem{
		{Mailbox: "a&b@example.com", AccessToken: secret.New("ya29.token"), XOAUTH2: secret.New("dXNlcj0="),
			ExpiresAt: time.Date(2026, 11, 21, 12, 59, 59, 0, time.UTC)},
		{Mailbox: "bert@example.com", Reason: mailclient.ReasonNotAllowed, Detail: "no", RetryAfterSeconds: 7},
	}}
	got, err := r.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"items":[{"mailbox":"a&b@example.com","accessToken":"ya29.token","expiresAt":"2026-11-21T12:59:59Z","xoauth2":"dXNlcj0="},` +
		`{"mailbox":"bert@example.com","reason":"mailbox-not-allowed","detail":"no","retryAfterSeconds":7}]}` + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	marshalled, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", r, r, r), string(marshalled), slog.AnyValue(r).String()} {
		if strings.Contains(text, "ya29") || strings.Contains(text, "dXNl") {
			t.Errorf("a token shows in %s", text)
		}
	}
}
