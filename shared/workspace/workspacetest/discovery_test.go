package workspacetest

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

var update = flag.Bool("update", false, "write admin-api.json anew")

// The embedded document must be the one that the client was generated from.
func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Skipf("no go command to find the module with: %v", err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "admin/directory/v1/admin-api.json")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := googletest.TrimDiscovery(doc, "users", "channels")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("admin-api.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(discoveryJSON)); diff != "" {
		t.Errorf("run go test -run TestDiscoveryDocument -update here (-module +embedded):\n%.2000s", diff)
	}
}

func TestHandlersAreMethodsOfTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := parseDiscovery()
	if err != nil {
		t.Fatal(err)
	}
	for id := range handlers {
		if doc.Method(id) == nil {
			t.Errorf("%s is no method of the API", id)
		}
	}
}

func TestReadOnlyFieldsAreTheDocuments(t *testing.T) {
	t.Parallel()
	var doc struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				ReadOnly bool `json:"readOnly"`
			} `json:"properties"`
		} `json:"schemas"`
	}
	if err := json.Unmarshal(discoveryJSON, &doc); err != nil {
		t.Fatal(err)
	}
	for name, p := range doc.Schemas["User"].Properties {
		if p.ReadOnly && !readOnly[name] {
			t.Errorf("%s is read-only and would be changed", name)
		}
	}
}
