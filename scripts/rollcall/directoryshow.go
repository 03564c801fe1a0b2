package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
)

// credentialOf returns the path of the credential beside a directory's.
func credentialOf(path string) string { return strings.TrimSuffix(path, "/directory") + "/credential" }

// printDirectory shows a configuration with its defaults, what is set of its
// secrets, and, after a change, what to do next.
func (a *app) printDirectory(ctx context.Context, c *client, path string, got []byte, after extent) error {
	config, err := decode[directory.Config](got)
	if err != nil {
		return err
	}
	rows := [][]string{
		{"enterprise", config.Enterprise}, {"mode", string(config.Mode) + ": " + modeWords[config.Mode]},
		{"revision", fmt.Sprintf("%d, %s by %s", config.Revision, a.both(config.UpdatedAt), config.UpdatedBy)},
	}
	own, err := flatten(config)
	if err != nil {
		return err
	}
	full := config.WithDefaults()
	if full.LDAP != nil {
		l := ldap.Defaults(*full.LDAP)
		if full.Google == nil || !full.Google.PasswordHashes {
			l.Attributes.PasswordHash = full.LDAP.Attributes.PasswordHash // not read by default
		}
		full.LDAP = &l
	}
	all, err := flatten(full)
	if err != nil {
		return err
	}
	isOwn := map[string]bool{}
	for _, m := range own {
		isOwn[m.path] = true
	}
	for _, m := range all {
		switch m.path {
		case "enterprise", "mode", "revision", "updatedAt", "updatedBy":
			continue
		case "ldap.ca":
			m.value = fmt.Sprintf("%d PEM blocks", strings.Count(m.value, "-----BEGIN "))
		}
		if !isOwn[m.path] {
			m.value += "  (default)"
		}
		rows = append(rows, []string{m.path, m.value})
	}
	secrets, missing, key, err := a.secretRows(ctx, c, path, config)
	if err != nil {
		return err
	}
	if err := a.table(nil, append(rows, secrets...)); err != nil {
		return err
	}
	if config.Revision == 1 && after == little {
		after = everything
	}
	a.sayNext(config, missing, key, after)
	return nil
}

// secretRows tells what is set of the secrets that the configuration needs, and
// names the flags of those that are missing.
func (a *app) secretRows(ctx context.Context, c *client, path string, config directory.Config) (rows [][]string, missing []string, key *credential.View, err error) {
	if config.LDAP != nil && config.LDAP.BindDN != "" {
		got, err := c.get(ctx, path+"/bind-password", nil)
		if err != nil {
			return nil, nil, key, err
		}
		password, err := decode[struct{ Set bool }](got)
		if err != nil {
			return nil, nil, key, err
		}
		text := "set"
		if !password.Set {
			text, missing = "NOT SET", append(missing, "bind-password-file")
		}
		rows = append(rows, []string{"bind password", text})
	}
	if config.Google == nil {
		return rows, missing, key, nil
	}
	v, err := c.credential(ctx, strings.TrimSuffix(path, "/directory"))
	switch f := asFailure(err); {
	case f == nil:
	case f.reason == "credential-missing":
		return append(rows, []string{"Google credential", "NOT SET"}), append(missing, "google-key-file"), nil, nil
	case f.reason == "credential-unusable":
		return append(rows, []string{"Google credential", "NOT USABLE: " + f.text}), append(missing, "google-key-file"), nil, nil
	default:
		return nil, nil, nil, err
	}
	rows = append(rows, []string{"Google credential", "set"})
	for _, row := range credentialRows(v) {
		rows = append(rows, []string{"  " + row[0], row[1]})
	}
	return rows, missing, &v, nil
}

// The scopes that domain-wide delegation must grant (Directory API, users). Signing
// somebody out has a scope of its own.
const (
	scopeRead    = "https://www.googleapis.com/auth/admin.directory.user.readonly"
	scopeWrite   = "https://www.googleapis.com/auth/admin.directory.user"
	scopeSignOut = "https://www.googleapis.com/auth/admin.directory.user.security"
)

// extent is how much there is to be done after a change.
type extent int

const (
	nothing extent = iota
	little
	everything
)

// sayNext tells what is to be done next.
func (a *app) sayNext(config directory.Config, missing []string, key *credential.View, after extent) {
	switch {
	case after == nothing:
		return
	case after == little && len(missing) == 0:
		a.say("What a sync would do now: %s", a.hint("plan"))
		return
	}
	a.say("\nNext:")
	for _, flag := range missing {
		a.say("  set what is missing:  %s", a.hint("configure --%s FILE", flag))
	}
	if config.Google != nil && key != nil {
		scopes := "the scope\n    " + scopeRead
		if config.Mode == directory.ReadWrite {
			scopes = "the scopes\n    " + scopeWrite + ",\n    " + scopeSignOut
		}
		a.say("  in Google's admin console (Security, API controls, domain-wide delegation) grant the\n  client id %s %s", key.ClientID, scopes)
	}
	a.say("  try it:               %s", a.hint("test"))
	a.say("  see what it would do: %s", a.hint("plan"))
	if config.Paused {
		a.say("The schedule is paused; an admin starts runs: %s", a.hint("run"))
	}
}

// member is one value of a configuration.
type member struct{ path, value string }

// flatten lists the values of v in the order of its form, a list of texts as one.
func flatten(v any) ([]member, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out []member
	return out, walk(d, "", &out)
}

func walk(d *json.Decoder, path string, out *[]member) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		*out = append(*out, member{path, fmt.Sprint(tok)})
		return nil
	}
	var texts []string
	for i := 0; d.More(); i++ {
		below := path + "[" + strconv.Itoa(i) + "]"
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			below = strings.TrimPrefix(path+"."+fmt.Sprint(name), ".")
		}
		before := len(*out)
		if err := walk(d, below, out); err != nil {
			return err
		}
		// The texts of a list stand on one line.
		if delim == '[' && len(*out) == before+1 && (*out)[before].path == below {
			texts = append(texts, (*out)[before].value)
			*out = (*out)[:before]
		}
	}
	if len(texts) > 0 {
		*out = append(*out, member{path, strings.Join(texts, "; ")})
	}
	_, err = d.Token()
	return err
}
