package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// production has one endpoint replaced.
func production(endpoint string) map[string]string {
	return map[string]string{"ROLLCALL_SECRETS": "secretmanager", "GOOGLE_CLOUD_PROJECT": "p", endpoint: "http://localhost:9000"}
}

func TestLoad_NamesTheVariable(t *testing.T) {
	for _, tc := range []struct {
		name  string
		env   map[string]string
		field string // "" for a good one
	}{
		{"defaults", nil, ""},
		{"cloud", map[string]string{"ROLLCALL_STORE": "firestore", "GOOGLE_CLOUD_PROJECT": "p", "ROLLCALL_PUBLIC_URL": "https://emm.example.com"}, ""},
		{"unknown store", map[string]string{"ROLLCALL_STORE": "paper"}, "ROLLCALL_STORE"},
		{"no project", map[string]string{"ROLLCALL_BUS": "pubsub", "GOOGLE_CLOUD_PROJECT": ""}, "ROLLCALL_PROJECT"},
		{"plain http", map[string]string{"ROLLCALL_PUBLIC_URL": "http://emm.example.com"}, "ROLLCALL_PUBLIC_URL"},
		{"no URL", map[string]string{"ROLLCALL_PUBLIC_URL": "emm.example.com"}, "ROLLCALL_PUBLIC_URL"},
		{"no tokens", map[string]string{"ROLLCALL_TOKEN_DAILY": "0"}, "ROLLCALL_TOKEN_DAILY"},
		{"no calls", map[string]string{"ROLLCALL_PLAY_RATE": "-1"}, "ROLLCALL_PLAY_RATE"},
		{"no calls to the directory", map[string]string{"ROLLCALL_DIRECTORY_RATE": "0"}, "ROLLCALL_DIRECTORY_RATE"},
		{"a slice too short", map[string]string{"ROLLCALL_DIRECTORY_SLICE": "9s"}, "ROLLCALL_DIRECTORY_SLICE"},
		{"a slice too long", map[string]string{"ROLLCALL_DIRECTORY_SLICE": "2h"}, "ROLLCALL_DIRECTORY_SLICE"},
		{"no wait for passwords", map[string]string{"ROLLCALL_PASSWORD_BUDGET": "0"}, ""},
		{"time that runs backwards", map[string]string{"ROLLCALL_PASSWORD_BUDGET": "-1s"}, "ROLLCALL_PASSWORD_BUDGET"},
		{"devices that wait too long", map[string]string{"ROLLCALL_PASSWORD_BUDGET": "21s"}, "ROLLCALL_PASSWORD_BUDGET"},
		{"proxies without end", map[string]string{"ROLLCALL_PROXIES": "11"}, "ROLLCALL_PROXIES"},
		{"fewer proxies than none", map[string]string{"ROLLCALL_PROXIES": "-1"}, "ROLLCALL_PROXIES"},
		{"simulators", map[string]string{"ROLLCALL_PLAY_ENDPOINT": "http://localhost:1", "ROLLCALL_DIRECTORY_ENDPOINT": "http://localhost:2",
			"ROLLCALL_IAM_ENDPOINT": "http://localhost:3/"}, ""},
		{"no simulator", map[string]string{"ROLLCALL_IAM_ENDPOINT": "localhost:3"}, "ROLLCALL_IAM_ENDPOINT"},
		{"a simulated Google Play in production", production("ROLLCALL_PLAY_ENDPOINT"), "ROLLCALL_PLAY_ENDPOINT"},
		{"a simulated directory in production", production("ROLLCALL_DIRECTORY_ENDPOINT"), "ROLLCALL_DIRECTORY_ENDPOINT"},
		{"a simulated IAM in production", production("ROLLCALL_IAM_ENDPOINT"), "ROLLCALL_IAM_ENDPOINT"},
		{"no life", map[string]string{"ROLLCALL_TOKEN_LIFE": "1ms"}, "ROLLCALL_TOKEN_LIFE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, kv := range os.Environ() {
				if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "ROLLCALL_") || name == "GOOGLE_CLOUD_PROJECT" {
					t.Setenv(name, "")
					_ = os.Unsetenv(name)
				}
			}
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			_, err := Load(context.Background())
			got := ""
			if e := fault.As(err); e != nil {
				got = e.Field
			}
			if got != tc.field || (err != nil) != (tc.field != "") {
				t.Errorf("error %v, want one about %q", err, tc.field)
			}
		})
	}
}

// TestREADME_DescribesEveryVariableOnce holds the README's table and Config
// together.
func TestREADME_DescribesEveryVariableOnce(t *testing.T) {
	t.Parallel()
	read := func(path, pattern string) []string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(b), -1) {
			names = append(names, m[1])
		}
		slices.Sort(names)
		return names
	}
	commandLine := []string{"ROLLCALL_ENTERPRISE", "ROLLCALL_IDENTITY_TOKEN_COMMAND", "ROLLCALL_TOKEN_FILE", "ROLLCALL_URL"}
	want := append(read("config.go", `env:"(ROLLCALL_[A-Z_]+)`), commandLine...)
	slices.Sort(want)
	if diff := cmp.Diff(want, read("../../README.md", "(?m)^\\| `(ROLLCALL_[A-Z_]+)`")); diff != "" {
		t.Errorf("variables (-code +README):\n%s", diff)
	}
}

func TestLogger_WritesWhatCloudLoggingReads(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	Config{}.Logger(&b).Warn("watch out", "level", 3)
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["severity"] != "WARNING" || line["message"] != "watch out" {
		t.Errorf("line %v", line)
	}
}

func TestShared_TriesAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	p := NewProcess(Config{}, nil)
	tries := 0
	open := func() (int, error) {
		if tries++; tries == 1 {
			return 0, fault.New(fault.Transient, "", "not yet")
		}
		return tries, nil
	}
	var got []int
	for range 3 {
		v, _ := Shared(p, "n", open)
		got = append(got, v)
	}
	if diff := cmp.Diff([]int{0, 2, 2}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}
