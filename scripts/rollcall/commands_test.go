package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestCommands holds the outputs of every command, as people and programs see them.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		empty bool // without the fleet
		args  string
		code  int
	}{
		{"enterprise-create", true, "enterprise create acme --name Acme --play LC01 --label kiosk=deviceAccount --check-in 2h", 0},
		{"enterprise-list", false, "enterprise list", 0},
		{"enterprise-list-empty", true, "enterprise list", 0},
		{"enterprise-list-json", false, "enterprise list --json", 0},
		{"enterprise-show", false, "enterprise show", 0},
		{"enterprise-policy", false, "enterprise policy acme --label kiosk= --label desk=deviceAccount --device-limit deviceAccount", 0},
		{"enterprise-policy-bad", false, "enterprise policy acme --device-limit maybe", 2},
		{"enterprise-verify", false, "enterprise verify acme", 0},
		{"enterprise-reconcile", false, "enterprise reconcile --json", 0},
		{"enrollment-token-create", false, "enrollment-token create --person e-1815 --uses 3 --life 7d", 0},
		{"enrollment-token-create-json", false, "enrollment-token create --json", 0},
		{"enrollment-token-create-qr", false, "enrollment-token create --qr --qr-admin-component com.example.agent/.Admin" +
			" --qr-package-location https://example.com/a.apk --qr-signature-checksum I5YvS0O5hXY46mb01BlRjq4oJJGs2kuUcHvVkAPEXlg", 0},
		{"enrollment-token-create-qr-missing", false, "enrollment-token create --qr", 2},
		{"enrollment-token-create-address", false, "enrollment-token create --person ada@example.com", 2},
		{"enrollment-token-create-nobody", false, "enrollment-token create --person=", 2},
		{"enrollment-token-list-empty", false, "enrollment-token list", 0},
		{"device-list", false, "device list", 0},
		{"device-list-page", false, "device list --limit 1", 0},
		{"device-list-held", false, "device list --status held", 0},
		{"device-list-retired", false, "device list --status retired", 0},
		{"device-list-json", false, "device list --status held --json", 0},
		{"device-show", false, "device show d1", 0},
		{"device-show-held", false, "device show d2", 0},
		{"device-show-json", false, "device show d1 --json", 0},
		{"device-show-nothing", false, "device show", 2},
		{"device-show-missing", false, "device show d7", 3},
		{"device-retire", false, "device retire d1 d2", 0},
		{"device-retire-missing", false, "device retire d1 d7", 3},
		{"device-release-all", false, "device release --all --yes", 0},
		{"device-release-all-alone", false, "device release --all", 2},
		{"account-list", false, "account list", 0},
		{"account-list-none", false, "account list --user-id u7", 0},
		{"account-show", false, "account show acct1", 0},
		{"account-create", false, "account create acct2", 0},
		{"account-rename", false, "account rename acct1 --display-name New", 0},
		{"account-rename-nameless", false, "account rename acct1", 2},
		{"account-revoke", false, "account revoke acct1", 0},
		{"account-delete-nothing", false, "account delete", 2},
		{"account-delete-json", false, "account delete acct1 --json", 0},
		{"audit-follow-limit", false, "audit --follow --limit 3", 2},
		{"audit-empty", false, "audit", 0},
		{"dead-letter-list", false, "dead-letter list", 0},
		{"dead-letter-list-empty", true, "dead-letter list", 0},
		{"dead-letter-replay", false, "dead-letter replay 77", 0},
		{"dead-letter-replay-twice", false, "dead-letter replay 77 77", 3},
		{"status", false, "status", 0},
		{"status-json", false, "status --json", 0},
		{"no-such-enterprise", true, "device list", 3},
		{"unknown-command", true, "frobnicate", 2},
		{"unknown-subcommand", true, "device destroy", 2},
		{"unknown-flag", true, "device list --colour", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			if !tc.empty {
				p.fleet()
			}
			code, out, errs := p.run(t.Context(), strings.Fields(tc.args)...)
			golden(t, tc.name, fmt.Sprintf("$ rollcall %s\n%s--- standard error, exit code %d\n%s", tc.args, out, code, errs))
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
		})
	}
}

// TestHelp holds the help of every command.
func TestHelp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.env = nil
	var all strings.Builder
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		code, out, errs := p.run(t.Context(), args...)
		if code != 0 || errs != "" {
			t.Errorf("%v: %d %s", args, code, errs)
		}
		before, _, _ := strings.Cut(out, "Global Flags:") // once is enough
		fmt.Fprintf(&all, "$ rollcall %s\n%s\n", strings.Join(args, " "), before)
		for _, c := range c.Commands() {
			if c.IsAvailableCommand() {
				walk(c)
			}
		}
	}
	walk((&app{getenv: func(string) string { return "" }}).root())
	golden(t, "help", all.String())
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.fleet()
	_, secret, _ := p.run(t.Context(), "enrollment-token", "create", "--note", "a note")
	secret = strings.TrimSpace(secret)
	if !strings.HasPrefix(secret, "rc1_") {
		t.Fatalf("standard output is %q, want the secret alone", secret)
	}
	_, list, _ := p.run(t.Context(), "enrollment-token", "list")
	id := strings.Fields(strings.Split(list, "\n")[1])[0]
	for name, args := range map[string][]string{
		"enrollment-token-list":   {"enrollment-token", "list"},
		"enrollment-token-show":   {"enrollment-token", "show", id},
		"enrollment-token-revoke": {"enrollment-token", "revoke", id},
		"enrollment-token-json":   {"enrollment-token", "list", "--json"},
	} {
		if name == "enrollment-token-revoke" {
			continue // last, below
		}
		_, out, errs := p.run(t.Context(), args...)
		golden(t, name, out+errs)
		if strings.Contains(out, secret) {
			t.Errorf("%s shows the secret", name)
		}
	}
	code, out, _ := p.run(t.Context(), "enrollment-token", "revoke", id)
	golden(t, "enrollment-token-revoke", out)
	if code != 0 || !strings.Contains(out, "revoked") {
		t.Errorf("%d %s", code, out)
	}
	_, out, _ = p.run(t.Context(), "audit")
	golden(t, "audit", out)
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		person   bool
		code     int
		sent     int
	}{
		{"yes", "yes\n", true, 0, 1},
		{"no", "no\n", true, 1, 0},
		{"end of input", "", true, 1, 0},
		{"nobody there", "yes\n", false, 2, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.fleet()
			p.in, p.person = strings.NewReader(tc.in), tc.person
			code, _, errs := p.run(t.Context(), "account", "delete", "--all")
			if code != tc.code || p.bus.sent != tc.sent {
				t.Errorf("code %d, %d events: %s", code, p.bus.sent, errs)
			}
			if tc.person && !strings.Contains(errs, "delete every account of acme?") {
				t.Errorf("asked %q", errs)
			}
		})
	}
}

func TestConfirmEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	in, w := io.Pipe() // nobody ever answers
	defer func() { _ = w.Close() }()
	p.in, p.person = in, true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, errs := p.run(ctx, "account", "delete", "--all"); code != 1 || !strings.HasSuffix(errs, "interrupted\n") || p.bus.sent > 0 {
		t.Errorf("%d, %d events: %s", code, p.bus.sent, errs)
	}
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, s := range []string{"90s", "15m", "24h", "30d", "0", "-1h", "x", "d", "-3d", "1000000d"} {
		var p period
		if err := p.Set(s); err != nil {
			got[s] = "refused"
			continue
		}
		got[s] = p.String()
	}
	want := map[string]string{
		"90s": "1m30s", "15m": "15m0s", "24h": "1d", "30d": "30d", "0": "",
		"-1h": "refused", "x": "refused", "d": "refused", "-3d": "refused", "1000000d": "refused",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
