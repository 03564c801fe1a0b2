package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

// signInWords say how a mail client signs in.
var signInWords = map[mail.SignIn]string{
	mail.OAuth:              "oauth: with a token that the mail client fetches",
	mail.GoogleAppsPassword: "google-apps-password: with the password that Rollcall generates and Google has accepted",
	mail.Password:           "password: with a password",
}

var tlsWords = map[mail.TLS]string{
	mail.ImplicitTLS: "TLS", mail.StartTLS: "STARTTLS", mail.NoTLS: "not protected",
}

func (a *app) settingRows(r settingRow) [][]string {
	rows := [][]string{{"id", r.ID}, {"name", r.Name}}
	add := func(when bool, name, value string) {
		if when {
			rows = append(rows, []string{name, value})
		}
	}
	add(r.Description != "", "description", r.Description)
	add(true, "kind", string(r.Kind))
	rows = append(rows, serverRows(r.Exchange, r.IMAP)...)
	signIn := signInWords[r.SignIn]
	if signIn == "" {
		signIn = string(r.SignIn)
	}
	add(true, "sign-in", signIn)
	add(r.SignIn == mail.Password, "  password", askedOr(r.Password))
	user := r.UserName
	if user == "" {
		user = "$" + mail.EmailVariable + "$"
	}
	add(true, "user name", user)
	add(true, "mailbox", r.Email)
	add(r.Audience == mail.ManagedApple, "audience", "shared and user-enrolled Apple devices")
	if m := r.Managed; m != nil {
		add(true, "managed app", strings.TrimSpace(string(m.App)+" "+m.Package))
		for _, k := range slices.Sorted(maps.Keys(m.Extra)) {
			add(true, "  "+k, m.Extra[k])
		}
	}
	add(true, "labels", join(r.Labels))
	add(true, "version", fmt.Sprint(r.Version))
	for _, s := range r.Standing {
		devices := plural(s.Devices, "device")
		if r.Truncated {
			devices += " of those that were counted"
		}
		rows = append(rows, []string{fmt.Sprintf("  version %d %s", s.Version, s.Status), devices})
	}
	add(r.Standing != nil && len(r.Standing) == 0, "  devices", "none was sent it yet")
	add(true, "created", a.both(r.CreatedAt))
	add(true, "changed", a.both(r.UpdatedAt))
	return rows
}

func askedOr(password string) string {
	if password == "" {
		return "the mail client asks the person"
	}
	return password
}

func serverRows(e *mail.Exchange, i *mail.IMAP) [][]string {
	switch {
	case e != nil:
		tls := "TLS"
		if !e.SSL {
			tls = "not protected"
		}
		return [][]string{{"server", e.Server + ", " + tls}, {"synchronises", join(itemNames(e.Sync))}}
	case i != nil:
		tls := tlsWords[i.TLS]
		if tls == "" {
			tls = string(i.TLS)
		}
		return [][]string{{"server", fmt.Sprintf("%s:%d, %s", i.Host, i.Port, tls)}}
	}
	return nil
}

// syncItems are the items of an Exchange account, by the names that --sync takes.
var syncItems = []struct {
	name string
	in   func(*mail.Items) *bool
}{
	{"contacts", func(i *mail.Items) *bool { return &i.Contacts }},
	{"calendar", func(i *mail.Items) *bool { return &i.Calendar }},
	{"email", func(i *mail.Items) *bool { return &i.Email }},
	{"tasks", func(i *mail.Items) *bool { return &i.Tasks }},
}

func itemNames(i mail.Items) (names []string) {
	for _, item := range syncItems {
		if *item.in(&i) {
			names = append(names, item.name)
		}
	}
	return names
}

// itemsOf returns the items of the given names.
func itemsOf(names []string) (mail.Items, error) {
	var items mail.Items
	for _, name := range names {
		n := slices.IndexFunc(syncItems, func(i struct {
			name string
			in   func(*mail.Items) *bool
		}) bool {
			return i.name == name
		})
		if n < 0 {
			return items, usagef("--sync takes contacts, calendar, email and tasks, separated by commas, not %q", name)
		}
		*syncItems[n].in(&items) = true
	}
	return items, nil
}
