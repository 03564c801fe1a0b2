package cloudidentitytest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

var update = flag.Bool("update", false, "write cloudidentity-api.json anew")

// The embedded document must be the one that the client was generated from.
func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Skipf("no go command to find the module with: %v", err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "cloudidentity/v1/cloudidentity-api.json")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := googletest.TrimDiscovery(doc, "policies")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("cloudidentity-api.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(discoveryJSON)); diff != "" {
		t.Errorf("run go test -run TestDiscoveryDocument -update here (-module +embedded):\n%.2000s", diff)
	}
}
