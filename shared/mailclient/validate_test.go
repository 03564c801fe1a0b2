package mailclient_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/store"
)

var thumbprint = []byte(strings.Repeat("t", 32))

// voicemail is a good client with a key.
func voicemail() mailclient.Client {
	return mailclient.Client{
		ID: mailclient.KeyID(thumbprint), Enterprise: "acme", Name: "Voicemail",
		Thumbprint: base64.RawURLEncoding.EncodeToString(thumbprint),
		Scope:      mailclient.Full, State: mailclient.Active,
		Allow: mailclient.Allow{Mailboxes: []string{"Anna@example.com"}, Labels: []string{"voicemail"}, Domains: []string{"example.org"}},
	}
}

// gateway is a good client that is a service account.
func gateway() mailclient.Client {
	c := voicemail()
	c.Thumbprint = ""
	c.ServiceAccount = &mailclient.ServiceAccount{Email: "gateway@acme-mail.iam.gserviceaccount.com", Sub: "104512345678901234567"}
	c.ID = mailclient.AccountID(c.ServiceAccount.Sub)
	return c
}

func TestValidate_NamesTheField(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, field string // no field: it is taken
		change      func(c *mailclient.Client)
	}{
		{"good", "", func(*mailclient.Client) {}},
		{"imap_admin", "", func(c *mailclient.Client) { c.Scope = mailclient.IMAPAdmin }},
		{"revoked", "", func(c *mailclient.Client) { c.State = mailclient.Revoked }},
		{"one label", "", func(c *mailclient.Client) { c.Allow = mailclient.Allow{Labels: []string{"a"}} }},
		{"no enterprise", "enterprise", func(c *mailclient.Client) { c.Enterprise = "" }},
		{"no name", "name", func(c *mailclient.Client) { c.Name = "" }},
		{"a name of spaces", "name", func(c *mailclient.Client) { c.Name = "  " }},
		{"a long name", "name", func(c *mailclient.Client) { c.Name = strings.Repeat("é", 81) }},
		{"a name of two lines", "name", func(c *mailclient.Client) { c.Name = "a\nb" }},
		{"another id", "id", func(c *mailclient.Client) { c.ID = mailclient.KeyID([]byte("x")) }},
		{"no scope", "scope", func(c *mailclient.Client) { c.Scope = "" }},
		{"a scope of Google's", "scope", func(c *mailclient.Client) { c.Scope = "https://mail.google.com/" }},
		{"no state", "state", func(c *mailclient.Client) { c.State = "" }},
		{"nothing allowed", "allow", func(c *mailclient.Client) { c.Allow = mailclient.Allow{} }},
		{"a name for a mailbox", "allow.mailboxes[1]", func(c *mailclient.Client) { c.Allow.Mailboxes = []string{"a@example.com", "Anna <anna@example.com>"} }},
		{"a mailbox that ends XOAUTH2's field", "allow.mailboxes[0]", func(c *mailclient.Client) { c.Allow.Mailboxes = []string{"a\x01@example.com"} }},
		{"a mailbox of two lines", "allow.mailboxes[0]", func(c *mailclient.Client) { c.Allow.Mailboxes = []string{"a@example.com\n"} }},
		{"a mailbox of all", "allow.mailboxes[0]", func(c *mailclient.Client) { c.Allow.Mailboxes = []string{"*"} }},
		{"a mailbox without a domain's dot", "allow.mailboxes[0]", func(c *mailclient.Client) { c.Allow.Mailboxes = []string{"a@localhost"} }},
		{"a long mailbox", "allow.mailboxes[0]", func(c *mailclient.Client) {
			c.Allow.Mailboxes = []string{"a@" + strings.Repeat(strings.Repeat("b", 60)+".", 4) + strings.Repeat("c", 20)}
		}},
		{"a mailbox twice", "allow.mailboxes[1]", func(c *mailclient.Client) { c.Allow.Mailboxes = []string{"a@example.com", "A@Example.com"} }},
		{"too many mailboxes", "allow.mailboxes", func(c *mailclient.Client) { c.Allow.Mailboxes = many(10_001, "u%05d@example.com") }},
		{"mailboxes that are too long together", "allow.mailboxes", func(c *mailclient.Client) {
			c.Allow.Mailboxes = many(10_000, strings.Repeat("x", 50)+"%05d@a.example.com")
		}},
		{"a label in capitals", "allow.labels[0]", func(c *mailclient.Client) { c.Allow.Labels = []string{"Voicemail"} }},
		{"too many labels", "allow.labels", func(c *mailclient.Client) { c.Allow.Labels = many(51, "l%05d") }},
		{"a label twice", "allow.labels[1]", func(c *mailclient.Client) { c.Allow.Labels = []string{"a", "a"} }},
		{"a domain with an @", "allow.domains[0]", func(c *mailclient.Client) { c.Allow.Domains = []string{"@example.com"} }},
		{"a domain with a wildcard", "allow.domains[0]", func(c *mailclient.Client) { c.Allow.Domains = []string{"*.example.com"} }},
		{"a top-level domain", "allow.domains[0]", func(c *mailclient.Client) { c.Allow.Domains = []string{"com"} }},
		{"too many domains", "allow.domains", func(c *mailclient.Client) { c.Allow.Domains = many(101, "d%05d.example.com") }},
		{"no key", "thumbprint", func(c *mailclient.Client) { c.Thumbprint = "" }},
		{"a key and an account", "thumbprint", func(c *mailclient.Client) { c.ServiceAccount = gateway().ServiceAccount }},
		{"a short thumbprint", "thumbprint", func(c *mailclient.Client) { c.Thumbprint = c.Thumbprint[:40] }},
		{"a thumbprint with padding", "thumbprint", func(c *mailclient.Client) { c.Thumbprint += "=" }},
	} {
		c := voicemail()
		tc.change(&c)
		check(t, tc.name, c.Validate(), tc.field)
	}
	for _, tc := range []struct {
		name, field string
		change      func(c *mailclient.Client)
	}{
		{"good", "", func(*mailclient.Client) {}},
		{"a person's address", "serviceAccount.email", func(c *mailclient.Client) { c.ServiceAccount.Email = "anna@example.com" }},
		{"no address", "serviceAccount.email", func(c *mailclient.Client) { c.ServiceAccount.Email = "" }},
		{"an address for a sub", "serviceAccount.sub", func(c *mailclient.Client) { c.ServiceAccount.Sub = c.ServiceAccount.Email }},
		{"another's id", "id", func(c *mailclient.Client) { c.ServiceAccount.Sub += "0" }},
	} {
		c := gateway()
		tc.change(&c)
		check(t, "service account: "+tc.name, c.Validate(), tc.field)
	}
}

func check(t *testing.T, name string, err error, field string) {
	t.Helper()
	switch f := fault.As(err); {
	case field == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case field != "" && (f == nil || f.Kind != fault.Invalid || f.Field != field || f.Public == ""):
		t.Errorf("%s: %v, want a refusal that names %s", name, err, field)
	}
}

// many returns n texts, each with its number in the place of %05d.
func many(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

// TestValidate_WhatIsTakenFitsIntoTheStore: the largest client is one document.
func TestValidate_WhatIsTakenFitsIntoTheStore(t *testing.T) {
	t.Parallel()
	c := voicemail()
	c.Name = strings.Repeat("é", mailclient.MaxName)
	c.Allow.Mailboxes = many(mailclient.MaxMailboxes, "%05d."+strings.Repeat("&", 47)+"@example.com")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(c) // which writes & as six bytes; the store's writes one
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(string(body), `\u0026`, "&")
	doc := store.Document{Key: store.Key{Kind: "mailClients", ID: c.ID}, Body: []byte(plain)}
	if err := doc.Validate(); err != nil || len(plain) < 600<<10 {
		t.Errorf("%d bytes: %v", len(plain), err)
	}
}

func FuzzCheckMailbox(f *testing.F) {
	for _, s := range []string{"anna@example.com", "a@b", "a b@example.com", "a\x01auth=Bearer x@example.com", "é@example.com", "a@@b.example", "@", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if mailclient.CheckMailbox("m", s) != nil {
			return
		}
		at := strings.IndexByte(s, '@')
		if at < 1 || at != strings.LastIndexByte(s, '@') || len(s) > mailclient.MaxAddress {
			t.Errorf("%q is taken", s)
		}
		for _, r := range s {
			if r <= ' ' || r > '~' || strings.ContainsRune(`"\,;:<>()[]`, r) {
				t.Errorf("%q is taken, with %q in it", s, r)
			}
		}
	})
}
