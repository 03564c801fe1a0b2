// Package infra_test holds the description of the cloud and the code together:
// what one names, the other has.
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

// read returns the files that match the pattern, one after the other.
func read(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	if all.Len() == 0 {
		t.Fatalf("nothing to read in %s", pattern)
	}
	return all.String()
}

// names returns what the expression's group matches in text, sorted, each once.
func names(t *testing.T, text, expression string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("nothing matches %s", expression)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// between returns the part of text after the line start and before the line end.
func between(t *testing.T, text, start, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n"+start+"\n")
	part, _, ended := strings.Cut(rest, "\n"+end+"\n")
	if !ok || !ended {
		t.Fatalf("no part between %q and %q", start, end)
	}
	return "\n" + part + "\n"
}

func TestEachFunctionIsDescribed(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../functions/*/function.go")
	if err != nil {
		t.Fatal(err)
	}
	want := names(t, strings.Join(folders, "\n"), `functions/([^/]+)/`)

	module := read(t, "modules/rollcall/main.tf")
	tables := between(t, module, "  http = {", "  }") + between(t, module, "  event = {", "  }")
	if diff := cmp.Diff(want, names(t, tables, `(?m)^    ([a-z]+) = \{$`)); diff != "" {
		t.Errorf("functions/ and the tables of modules/rollcall (-folders +tables):\n%s", diff)
	}
	table := between(t, read(t, "../scripts/deploy"), `functions="`, `"`)
	if diff := cmp.Diff(want, names(t, table, `(?m)^  ([a-z]+) `)); diff != "" {
		t.Errorf("functions/ and the table of scripts/deploy (-folders +table):\n%s", diff)
	}
}

// TestPermissionsAreWhatFunctionsSay holds the secrets of each function in the
// table to those that its doc comment names.
func TestPermissionsAreWhatFunctionsSay(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../functions/*/function.go")
	if err != nil {
		t.Fatal(err)
	}
	module := read(t, "modules/rollcall/main.tf")
	secret := regexp.MustCompile(`(?:identifier|password|play)-key|(?:ldap-bind|workspace-key)-\*`)
	// Of each enterprise there is one of either family.
	families := strings.NewReplacer("secrets of directories", "ldap-bind-* workspace-key-*",
		"local.directory_secrets", "ldap-bind-* workspace-key-*", "-ENTERPRISE", "-*", "key of passwords", "password-key", "the Play key", "play-key")
	for _, f := range folders {
		name := filepath.Base(filepath.Dir(f))
		want := secret.FindAllString(families.Replace(commentOf(t, f)), -1)
		row := between(t, module, "    "+name+" = {", "    }")
		got := secret.FindAllString(families.Replace(row), -1)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
			t.Errorf("%s: secrets of the doc comment and of modules/rollcall (-comment +table):\n%s", name, diff)
		}
		// Whoever signs in to LDAP servers must reach them.
		if binds, reaches := strings.Contains(commentOf(t, f), "ldap-bind-"), strings.Contains(row, "network     = true"); binds != reaches {
			t.Errorf("%s: binds to LDAP servers is %v, may reach private ones is %v", name, binds, reaches)
		}
	}
}

// commentOf returns what a function says of itself, in one line.
func commentOf(t *testing.T, file string) string {
	t.Helper()
	comment, _, _ := strings.Cut(read(t, file), "\npackage ")
	return strings.ReplaceAll(comment, "\n// ", " ")
}

// TestSecretsAreKeptByWhomIAMLets: what is asked of Secret Manager is what some role
// allows.
func TestSecretsAreKeptByWhomIAMLets(t *testing.T) {
	t.Parallel()
	permission := map[string]string{
		"AccessSecretVersion":  "roles/secretmanager.secretAccessor",
		"AddSecretVersion":     "secretmanager.versions.add",
		"CreateSecret":         "secretmanager.secrets.create",
		"DeleteSecret":         "secretmanager.secrets.delete",
		"DestroySecretVersion": "secretmanager.versions.destroy",
	}
	roles := read(t, "modules/rollcall/secrets.tf") + read(t, "modules/function_http/main.tf")
	var want []string
	for _, call := range names(t, read(t, "../shared/secret/secretmanager/*.go"), `\bclient\.([A-Z]\w*Secret\w*)\(`) {
		if permission[call] == "" || !strings.Contains(roles, `"`+permission[call]+`"`) {
			t.Errorf("nobody may call %s, which needs %s", call, permission[call])
		}
		want = append(want, permission[call])
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names(t, roles, `"((?:roles/)?secretmanager\.(?:secretAccessor|(?:secrets|versions)\.\w+))"`)); diff != "" {
		t.Errorf("what is asked of Secret Manager, and what is allowed (-asked +allowed):\n%s", diff)
	}
}

// TestPublishersAreWhoSaysSo holds who may publish on a topic to the doc comments:
// "publish to the topic X", "to the topics X and Y", or "to the topics", which
// leaves open which.
func TestPublishersAreWhoSaysSo(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../functions/*/function.go")
	if err != nil {
		t.Fatal(err)
	}
	says := regexp.MustCompile(`publish to the topics?((?: [a-z]+)*),`)
	row := regexp.MustCompile(`topic += "([a-z]+)"\s+publishers += \[([^\]]*)\]`)
	rows := row.FindAllStringSubmatch(read(t, "modules/rollcall/main.tf"), -1)
	if topics := names(t, read(t, "../shared/event/event.go"), `Topic = "([a-z]+)"`); len(rows) != len(topics) {
		t.Fatalf("%d topics in modules/rollcall; there are %v", len(rows), topics)
	}
	for _, f := range folders {
		name := filepath.Base(filepath.Dir(f))
		var got []string
		for _, m := range rows {
			if strings.Contains(m[2], `"`+name+`"`) {
				got = append(got, m[1])
			}
		}
		slices.Sort(got)
		said := says.FindStringSubmatch(commentOf(t, f))
		if said == nil {
			if len(got) > 0 {
				t.Errorf("%s may publish on %v and does not say that it does", name, got)
			}
			continue
		}
		want := slices.DeleteFunc(strings.Fields(said[1]), func(w string) bool { return w == "and" })
		slices.Sort(want)
		if len(got) == 0 || len(want) > 0 && !slices.Equal(want, got) {
			t.Errorf("%s says that it publishes on %v and may on %v", name, want, got)
		}
	}
}

// TestEachScheduleStartsAFunction that handles events, and each that says so is
// started.
func TestEachScheduleStartsAFunction(t *testing.T) {
	t.Parallel()
	module := read(t, "modules/rollcall/main.tf")
	scheduled := names(t, between(t, module, "  schedules = {", "  }"), `(?m)^    ([a-z]+) +=`)
	var want []string
	for _, name := range names(t, between(t, module, "  event = {", "  }"), `(?m)^    ([a-z]+) = \{$`) {
		if strings.Contains(commentOf(t, "../functions/"+name+"/function.go"), "published by a schedule") {
			want = append(want, name)
		}
	}
	if diff := cmp.Diff(want, scheduled); diff != "" {
		t.Errorf("functions that a schedule starts (-comments +schedules):\n%s", diff)
	}
}

func TestEachCollectionIsDescribed(t *testing.T) {
	t.Parallel()
	want := names(t, read(t, "../shared/record/*.go"), `store\.Kind = "(\w+)"`)
	_, list, ok := strings.Cut(read(t, "modules/store/variables.tf"), `variable "collections"`)
	if !ok {
		t.Fatal("modules/store has no variable collections")
	}
	if diff := cmp.Diff(want, names(t, list[strings.Index(list, "["):], `"(\w+)"`)); diff != "" {
		t.Errorf("kinds of record and collections (-kinds +collections):\n%s", diff)
	}
}

func TestEachSettingIsKnown(t *testing.T) {
	t.Parallel()
	known := names(t, read(t, "../shared/setup/config.go"), `env:"(ROLLCALL_\w+)`)
	for _, name := range names(t, read(t, "modules/rollcall/main.tf"), `(ROLLCALL_[A-Z_]+)\s+=`) {
		if !slices.Contains(known, name) {
			t.Errorf("modules/rollcall sets %s, which no function reads; they read %v", name, known)
		}
	}
}

// TestNobodyPassesTheLoadBalancer: where two proxies are counted, what devices call is
// reached through both of them alone; past the first, a caller would name their own
// address, and the sign-in's limit for it would hold for nobody.
func TestNobodyPassesTheLoadBalancer(t *testing.T) {
	t.Parallel()
	function, rollcall := read(t, "modules/function_http/main.tf"), read(t, "modules/rollcall/main.tf")
	for _, tc := range []struct{ what, in, is string }{
		{"the function's ingress", function, `ingress_settings\s*= var\.ingress`},
		{"the number of proxies", rollcall, `proxies = var\.public_url == null \? "1" : "2"`},
		{"the ingress beside it", rollcall, `ingress = var\.public_url == null \? "ALLOW_ALL" : "ALLOW_INTERNAL_AND_GCLB"`},
		{"whom it holds for", rollcall, `ingress\s*= each\.value\.public \? local\.ingress : "ALLOW_ALL"`},
	} {
		if !regexp.MustCompile(tc.is).MatchString(tc.in) {
			t.Errorf("%s is not %s", tc.what, tc.is)
		}
	}
}
