package functions_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

const mailToken = "mailtoken"

// delegated gives acme a credential that may act for people, and anna a mailbox.
func (w *world) delegated() {
	w.t.Helper()
	kept, err := secrets.Store(w.t.Context(), w.stack.Process)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := kept.Put(w.t.Context(), directory.KeySecret("acme"), secret.NewBytes(w.stack.DirectoryKey)); err != nil {
		w.t.Fatal(err)
	}
	w.stack.Workspace.Tokens.SetSubject("anna@example.com", googletest.SubjectActive)
}

// mailServer registers the phone's key as a mail client's; allow is domains.
func (w *world) mailServer(p *phone, allow ...string) *phone {
	w.t.Helper()
	thumb := p.thumbprint(w.t)
	c := mailclient.Client{
		ID: mailclient.KeyID(thumb), Enterprise: "acme", Name: "Voicemail", Thumbprint: base64.RawURLEncoding.EncodeToString(thumb),
		Scope: mailclient.Full, State: mailclient.Active, Allow: mailclient.Allow{Domains: allow},
		CreatedAt: time.Now(), UpdatedAt: time.Now(), UpdatedBy: "admin:test",
	}
	if err := c.Validate(); err != nil {
		w.t.Fatal(err)
	}
	w.put(func(tx *record.Tx) error { return tx.PutMailClient(c) })
	return p
}

// mailboxes is the body of a request.
func mailboxes(addresses ...string) map[string]any {
	items := []any{}
	for _, a := range addresses {
		items = append(items, a)
	}
	return map[string]any{"mailboxes": items}
}

// manyMailboxes is the body of a request for n mailboxes.
func manyMailboxes(n int) map[string]any {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user%d@example.org", i)
	}
	return mailboxes(out...)
}

// twice reports whether the request names a mailbox in two cases, which the schema
// cannot refuse.
func twice(body any) bool {
	m, _ := body.(map[string]any)
	items, _ := m["mailboxes"].([]any)
	seen := map[string]bool{}
	for _, it := range items {
		text, _ := it.(string)
		seen[strings.ToLower(text)] = true
	}
	return len(seen) != len(items)
}

// addresses draws what is nearly an address, or one.
func addresses() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "@", "a@b", "a@b.c", "A@B.C", "anna@example.com", "a b@example.com", "a@example.com.", "a@-b.c", "a@b-.c",
			"é@example.com", "a@é.com", "a@example.com\n", "a\x01@example.com", "a@b@example.com", `"a"@example.com`, "a@[127.0.0.1]", "a`@b.c",
			strings.Repeat("a", 64) + "@b.c", strings.Repeat("a", 65) + "@b.c", "a@" + strings.Repeat("b.", 10) + "c", "a@" + strings.Repeat("b.", 11) + "c",
			"a@" + strings.Repeat("b", 63) + ".c", "a@" + strings.Repeat("b", 64) + ".c"}),
		rapid.String(), rapid.StringMatching(`[a-zA-Z0-9._%+-]{1,70}@[a-zA-Z0-9.-]{1,70}`),
	)
}

// tokensOf returns the items of a reply.
func tokensOf(t testing.TB, r reply) []map[string]any {
	t.Helper()
	m, _ := parseJSON(t, r.body).(map[string]any)
	items, _ := m["items"].([]any)
	var out []map[string]any
	for _, it := range items {
		out = append(out, it.(map[string]any))
	}
	return out
}
