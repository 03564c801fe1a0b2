package infra_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestDeployChangesNoLimits: scripts/deploy brings new code, and gives a function the
// timeout, the concurrency and the number of instances that Terraform gave it.
func TestDeployChangesNoLimits(t *testing.T) {
	t.Parallel()
	module := read(t, "modules/rollcall/main.tf")
	defaults := map[string]string{
		"concurrency": number(t, module, `concurrency += try\(each\.value\.concurrency, (\d+)\)`),
		"instances":   number(t, read(t, "modules/rollcall/variables.tf"), `(?s)variable "max_instances".*?default += (\d+)`),
	}
	rows := regexp.MustCompile(`(?m)^  ([a-z]+) +(open|closed) +(\d+)s +(\d+) +(\d+)$`).FindAllStringSubmatch(read(t, "../scripts/deploy"), -1)
	if len(rows) == 0 {
		t.Fatal("scripts/deploy has no table")
	}
	for _, r := range rows {
		row := between(t, module, "    "+r[1]+" = {", "    }")
		for i, what := range []string{"timeout", "concurrency", "instances"} {
			want := defaults[what]
			if strings.Contains(row, "\n      "+what+" ") {
				want = number(t, row, what+` += (\d+)`)
			}
			if got := r[3+i]; got != want {
				t.Errorf("%s: %s is %s in scripts/deploy, and %s in modules/rollcall", r[1], what, got, want)
			}
		}
		public := regexp.MustCompile(`public += true`).MatchString(row)
		if (r[2] == "open") != public {
			t.Errorf("%s is %s in scripts/deploy, and public is %v in modules/rollcall", r[1], r[2], public)
		}
	}
}

func number(t *testing.T, text, expression string) string {
	t.Helper()
	m := regexp.MustCompile(expression).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing matches %s", expression)
	}
	return m[1]
}
