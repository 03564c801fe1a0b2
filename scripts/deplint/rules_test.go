package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "example.test/app"

func TestCheck(t *testing.T) {
	t.Parallel()
	const app = module + "/"
	tests := []struct {
		name    string
		path    string
		imports []string
		tests   []string
		want    []string // "from imports to" or "name", without the reason
	}{
		{name: "function on domain and adapter", path: "functions/token", imports: []string{app + "shared/token", app + "shared/store/firestore", "net/http", "google.golang.org/api/option"}},
		{name: "function on function", path: "functions/token", imports: []string{app + "functions/enroll"}, want: []string{"functions/token imports functions/enroll"}},
		{name: "function's test on function", path: "functions/token", tests: []string{app + "functions/enroll"}, want: []string{"functions/token imports functions/enroll"}},
		{name: "function on its own part", path: "functions/token", imports: []string{app + "functions/token/reply"}},
		{name: "function on script", path: "functions/token", imports: []string{app + "scripts/stager"}, want: []string{"functions/token imports scripts/stager"}},
		{name: "domain on domain and standard library", path: "shared/account", imports: []string{"context", "encoding/json", app + "shared/fault", app + "shared/secret"}},
		{name: "domain on adapter", path: "shared/account", imports: []string{app + "shared/store/firestore"}, want: []string{"shared/account imports shared/store/firestore"}},
		{name: "domain on a kept module", path: "shared/event", imports: []string{"cloud.google.com/go/pubsub/v2"}, want: []string{"shared/event imports cloud.google.com/go/pubsub/v2"}},
		{name: "domain's test on a kept module", path: "shared/event", tests: []string{"github.com/google/go-cmp/cmp", "pgregory.net/rapid", app + "shared/store/embedded"}},
		{name: "adapter below a domain package", path: "shared/event/pubsub", imports: []string{"cloud.google.com/go/pubsub/v2", app + "shared/event"}},
		{name: "adapter on function", path: "shared/api", imports: []string{app + "functions/token"}, want: []string{"shared/api imports functions/token"}},
		{name: "package for tests on function", path: "shared/apitest", imports: []string{app + "functions/token"}},
		{name: "script on anything", path: "scripts/rollcall", imports: []string{app + "functions/token", app + "shared/play/playtest", "net/http/httptest"}},
		{name: "adapter on a package for tests", path: "shared/play", imports: []string{app + "shared/play/playtest"}, want: []string{"shared/play imports shared/play/playtest"}},
		{name: "function on a foreign package for tests", path: "functions/token", imports: []string{"cloud.google.com/go/pubsub/v2/pstest"}, want: []string{"functions/token imports cloud.google.com/go/pubsub/v2/pstest"}},
		{name: "test on a package for tests", path: "shared/play", tests: []string{app + "shared/play/playtest"}},
		{name: "package for tests on another", path: "shared/play/playtest", imports: []string{"net/http/httptest"}},
		{name: "agent on the protocol", path: "shared/agent", imports: []string{app + "shared/protocol", app + "shared/proof", app + "shared/seal", app + "shared/secret", app + "shared/fault", "github.com/go-jose/go-jose/v4"}},
		{name: "agent on the server", path: "shared/agent", imports: []string{app + "shared/account"}, want: []string{"shared/agent imports shared/account"}},
		{name: "agent for tests on the server", path: "shared/agent/agenttest", imports: []string{app + "shared/account"}},
		{name: "testify in code", path: "shared/proof", imports: []string{"github.com/stretchr/testify/mock"}, want: []string{"shared/proof imports github.com/stretchr/testify/mock"}},
		{name: "testify in a test", path: "scripts/stager", tests: []string{"github.com/stretchr/testify/require"}, want: []string{"scripts/stager imports github.com/stretchr/testify/require"}},
		{name: "a module that only begins like one", path: "scripts/stager", tests: []string{"github.com/matryer/isolated"}},
		{name: "vague name", path: "shared/util", want: []string{"shared/util"}},
		{name: "vague name above", path: "shared/common/clock", want: []string{"shared/common/clock"}},
		{name: "telling name that holds a vague one", path: "shared/commonname"},
		{name: "root", path: "", imports: []string{"embed"}},
		{name: "broken twice, counted once each", path: "functions/token", imports: []string{app + "functions/enroll"}, tests: []string{app + "functions/enroll", "gotest.tools/v3/assert"},
			want: []string{"functions/token imports functions/enroll", "functions/token imports gotest.tools/v3/assert"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, line := range Check(Package{Module: module, Path: tt.path, Imports: tt.imports, TestImports: tt.tests}) {
				what, reason, ok := strings.Cut(line, ": ")
				if !ok || reason == "" {
					t.Errorf("line without a reason: %q", line)
				}
				got = append(got, what)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachRuleSaysOneThing(t *testing.T) {
	t.Parallel()
	for i, r := range rules {
		if (r.imports == nil) == (r.name == nil) || r.reason == "" {
			t.Errorf("rule %d needs a reason and exactly one of imports and name", i)
		}
	}
}
