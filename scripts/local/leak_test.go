package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
)

// TestRun_E3_NoSecretIsWrittenAnywhere runs the whole job with everything that can
// fail failing, and searches what it wrote for each secret that it made: log,
// store, bus, report and output. Only the secret store itself may hold secrets.
func TestRun_E3_NoSecretIsWrittenAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secrets := map[string]string{} // by what it is
	note := func(what, s string) {
		if len(s) < 16 {
			t.Fatalf("%s is too short to search for", what)
		}
		secrets[fmt.Sprintf("%s no. %d", what, len(secrets)+1)] = s
	}
	var out bytes.Buffer
	opt := options{
		devices: 40, steady: 200 * time.Millisecond, patience: 2 * time.Minute, faults: true,
		store: "embedded", bus: "embedded", data: dir, listen: "127.0.0.1:0", report: filepath.Join(dir, "report.json"),
		ldap: inProcess,
		inspect: func(s *stack.Stack, f *fleet, g *organisation) {
			for _, token := range s.Play.IssuedTokens() {
				note("authentication token", token)
			}
			for _, token := range s.Play.Tokens.Secrets() {
				note("access token, assertion or key", token)
			}
			for _, p := range f.phones {
				if !p.token.Empty() {
					note("enrollment token", p.token.Reveal())
				}
			}
			note("admin token", s.Token.Reveal())
			for _, token := range s.Workspace.Tokens.Secrets() {
				note("access token, assertion or key of the directory", token)
			}
			generated := 0
			for id := range s.Workspace.ClearPasswords(s.Customer) {
				for _, set := range s.Workspace.PasswordSets(id) {
					note("generated password", set.Password.Reveal())
					generated++
				}
			}
			if generated < 20 {
				t.Errorf("only %d passwords were generated; the search proves little", generated)
			}
			for _, password := range g.ldap.passwords {
				note("person's password", password.Reveal())
			}
		},
	}
	if err := run(context.Background(), opt, &out); err != nil {
		t.Fatalf("the run failed: %v\n%s", err, &out)
	}
	for what, s := range fileSecrets(t, filepath.Join(dir, "secrets")) {
		note(what, s)
	}
	if len(secrets) < 140 {
		t.Fatalf("only %d secrets are known; the search proves little", len(secrets))
	}
	written := map[string][]byte{"output": out.Bytes()}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == "secrets" {
				return fs.SkipDir
			}
			return err
		}
		written[d.Name()], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"store.db", "events.db", "rollcall.log", "report.json"} {
		if len(written[name]) == 0 {
			t.Errorf("%s was not written, so it was not searched", name)
		}
	}
	for where, b := range written {
		for _, what := range find(b, secrets) {
			t.Errorf("%s holds an %s", where, what)
		}
	}
	// The search itself must be able to find: the secret store holds its share.
	kept, err := os.ReadFile(filepath.Join(dir, "secrets", "admin-token"))
	if err != nil || len(find(kept, secrets)) == 0 {
		t.Errorf("the search does not find the admin token where it is kept: %v", err)
	}
}

// find returns what b holds, as it is or in another form.
func find(b []byte, secrets map[string]string) []string {
	var found []string
	for what, s := range secrets {
		for form, text := range map[string]string{
			"as it is": s, "in base64": base64.StdEncoding.EncodeToString([]byte(s)), "quoted": quoted(s),
		} {
			if bytes.Contains(b, []byte(text)) {
				found = append(found, what+", "+form)
			}
		}
	}
	return found
}

// fileSecrets returns what the embedded secret store holds, the private key of the
// service account by its base64 alone, which would show without its line breaks.
func fileSecrets(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var key struct {
			PrivateKey string `json:"private_key"`
		}
		if json.Unmarshal(b, &key) == nil && key.PrivateKey != "" {
			lines := strings.Split(key.PrivateKey, "\n")
			found["private key"] = lines[3]
			continue
		}
		found[e.Name()] = string(b)
	}
	if len(found) < 3 {
		t.Fatalf("the secret store holds %d secrets, want identifier key, Play key and admin token", len(found))
	}
	return found
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b[1 : len(b)-1])
}
