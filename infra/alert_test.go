package infra_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEachLineThatIsCountedIsLogged: an alert on a line that nobody writes never
// comes, and neither does one on a word that the line has not.
func TestEachLineThatIsCountedIsLogged(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`functions += \[([^\]]+)\]\s+from += "([a-z/]+)"\s+message += "([^"]+)"\s+and += .*\s+by += \[([^\]]+)\]`)
	alerts := read(t, "modules/alerts/main.tf")
	rows := row.FindAllStringSubmatch(alerts, -1)
	if n := strings.Count(alerts, "\n      message "); len(rows) == 0 || len(rows) != n {
		t.Fatalf("%d lines are counted, of %d rows", len(rows), n)
	}
	quoted := regexp.MustCompile(`"([a-z]+)"`)
	for _, r := range rows {
		functions, from, message := quoted.FindAllStringSubmatch(r[1], -1), r[2], r[3]
		code := read(t, "../"+from+"/*.go")
		if !strings.Contains(code, `"`+message+`"`) {
			t.Errorf("%s never logs %q, which modules/alerts counts", from, message)
		}
		for _, word := range quoted.FindAllStringSubmatch(r[4], -1) {
			if !strings.Contains(code, `slog.String("`+word[1]+`"`) {
				t.Errorf("%s logs no %q, by which modules/alerts counts %q", from, word[1], message)
			}
		}
		for _, f := range functions {
			if _, err := os.Stat("../functions/" + f[1] + "/function.go"); err != nil {
				t.Errorf("modules/alerts counts lines of %s: %v", f[1], err)
			}
		}
	}
}

// TestABrokenCredentialIsSeenWhoeverMeetsIt: each function that reads one may be the
// first.
func TestABrokenCredentialIsSeenWhoeverMeetsIt(t *testing.T) {
	t.Parallel()
	module := read(t, "modules/rollcall/main.tf")
	tables := between(t, module, "  http = {", "  }") + between(t, module, "  event = {", "  }")
	var want []string
	for _, name := range names(t, tables, `(?m)^    ([a-z]+) = \{$`) {
		row := strings.ReplaceAll(between(t, module, "    "+name+" = {", "    }"), "local.directory_secrets", "workspace-key-*")
		if strings.Contains(row, "workspace-key-*") || strings.Contains(row, "play-key") {
			want = append(want, name)
		}
	}
	row := between(t, read(t, "modules/alerts/main.tf"), "    credential = {", "    }")
	if diff := cmp.Diff(want, names(t, strings.Split(row, "\n")[1], `"([a-z]+)"`)); diff != "" {
		t.Errorf("functions that read credentials, and whose lines are counted (-read +counted):\n%s", diff)
	}
}

// TestReasonsOfAlertsAreReasons: a word that nobody logs is never alerted on.
func TestReasonsOfAlertsAreReasons(t *testing.T) {
	t.Parallel()
	alerts := read(t, "modules/alerts/main.tf")
	known := read(t, "../shared/password/*.go")
	barred := names(t, between(t, alerts, `  barred = join("|", [`, "  ])"), `"([a-z-]+)`)
	for _, word := range append(barred, "password-person-away") {
		if !strings.Contains(known, `"`+word) || !strings.Contains(alerts, word) {
			t.Errorf("%q is no reason of passwords, or is not alerted on", word)
		}
	}
	_, list, _ := strings.Cut(known, "var everybody = ")
	list, _, _ = strings.Cut(list, "}")
	for _, word := range names(t, list, `"([a-z-]+)"`) {
		if !slices.Contains(barred, word) {
			t.Errorf("%q keeps a whole enterprise's passwords from Google, and no alert tells of it", word)
		}
	}
}

func TestEachAlertHasItsPlaybook(t *testing.T) {
	t.Parallel()
	want := names(t, between(t, read(t, "modules/alerts/main.tf"), "  alerts = {", "  }"), `(?m)^    ([A-Za-z]+) = \{$`)
	pages, err := filepath.Glob("playbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, names(t, strings.Join(pages, "\n"), `playbooks/(\w+)\.md`)); diff != "" {
		t.Errorf("alerts and playbooks (-alerts +playbooks):\n%s", diff)
	}
	for _, page := range pages {
		text := read(t, page)
		if title := "# " + strings.TrimSuffix(filepath.Base(page), ".md") + "\n"; !strings.HasPrefix(text, title) {
			t.Errorf("%s does not begin with %q", page, title)
		}
		if len(text) > 8192 {
			t.Errorf("%s has %d bytes; an alert's text may have 8192", page, len(text))
		}
		for _, part := range []string{"**Symptom.**", "**What it means.**", "**What to do.**", "**It is over**"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no %s", page, part)
			}
		}
	}
}
