package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/spf13/pflag"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

// mailClientFlags are what a mail client is called and may have.
type mailClientFlags struct {
	name, scope, mailboxesFile string
	mailboxes, labels, domains []string
}

var mailClientFlagOf = map[string]string{
	"name": "name", "scope": "scope", "state": "state", "key": "key", "serviceAccount.email": "service-account", "serviceAccount.sub": "service-account-id",
	"allow": "mailbox, --mailboxes-file, --label or --domain", "allow.mailboxes": "mailbox or --mailboxes-file", "allow.labels": "label", "allow.domains": "domain",
}

// flags adds the flags; scope is what --scope is where it is not given.
func (m *mailClientFlags) flags(f *pflag.FlagSet, scope mailclient.Scope) {
	f.StringVar(&m.name, "name", "", "what people call the server, 1 to 80 `characters`")
	f.StringVar(&m.scope, "scope", string(scope), "full (IMAP, POP and SMTP, within each person's settings) or imap_admin (IMAP alone, with\nall labels and messages whatever the person's IMAP settings)")
	f.StringArrayVar(&m.mailboxes, "mailbox", nil, "an `address` whose mailbox it may have; may be repeated")
	f.StringVar(&m.mailboxesFile, "mailboxes-file", "", "`file` with such addresses, one a line, up to 10,000; what follows # does not count; - is standard input")
	f.StringArrayVar(&m.labels, "label", nil, "a `label` of people whose mailboxes it may have; may be repeated")
	f.StringArrayVar(&m.domains, "domain", nil, "a `domain` whose mailboxes it may have, without those below it; may be repeated")
}

// over puts the lists that are given in the place of those in allow.
func (m *mailClientFlags) over(a *app, f *pflag.FlagSet, allow *mailclient.Allow) error {
	put := func(to *[]string, from []string) {
		*to = slices.DeleteFunc(slices.Clone(from), func(s string) bool { return s == "" })
	}
	if f.Changed("mailbox") || f.Changed("mailboxes-file") {
		put(&allow.Mailboxes, m.mailboxes)
	}
	if m.mailboxesFile != "" {
		lines, err := a.readLines("--mailboxes-file", m.mailboxesFile)
		if err != nil {
			return err
		}
		allow.Mailboxes = append(allow.Mailboxes, lines...)
	}
	if f.Changed("label") {
		put(&allow.Labels, m.labels)
	}
	if f.Changed("domain") {
		put(&allow.Domains, m.domains)
	}
	return nil
}

// readLines returns what a file holds, a line each, without blanks and remarks.
func (a *app) readLines(flag, file string) ([]string, error) {
	b, err := a.readUpTo(flag, file, maxMailboxes)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		return nil, usagef("%s: %s holds no address", flag, file)
	}
	return out, nil
}

// maxMailboxes bounds a file of addresses; the server takes no more.
const maxMailboxes = 1 << 20

// readPublicKey reads a public key, PEM (PKIX) or JWK, and returns it as a JWK. A
// private key is refused before it is sent anywhere.
func (a *app) readPublicKey(file string) (json.RawMessage, error) {
	b, err := a.readFile("--key", file)
	if err != nil {
		return nil, err
	}
	const private = "--key: %s holds a private key, which is for nobody but the server itself; give its public half, which this makes: openssl ec -in FILE -pubout"
	if trimmed := bytes.TrimSpace(b); bytes.HasPrefix(trimmed, []byte("{")) {
		var k jose.JSONWebKey
		if json.Unmarshal(trimmed, &k) != nil {
			return nil, usagef("--key: %s is no JWK of a public key", file)
		}
		if !k.IsPublic() {
			return nil, usagef(private, file)
		}
		return trimmed, nil
	}
	block, _ := pem.Decode(b)
	switch {
	case block == nil:
		return nil, usagef("--key: %s is neither PEM nor a JWK; give the server's public key", file)
	case strings.Contains(block.Type, "PRIVATE KEY") || block.Type == "EC PARAMETERS":
		return nil, usagef(private, file)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok {
		return nil, usagef("--key: %s holds no EC public key; give one on the curve P-256", file)
	}
	jwk, err := (&jose.JSONWebKey{Key: key}).MarshalJSON()
	if err != nil {
		return nil, usagef("--key: %s holds a key on another curve than P-256", file)
	}
	return jwk, nil
}
