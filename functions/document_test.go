package functions_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// document is openapi.yaml as JSON values.
type document struct {
	root     map[string]any
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

const documentURL = "https://emm.example.com/openapi.yaml"

func loadDocument(t testing.TB) *document {
	t.Helper()
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	d := &document{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	d.root = jsonValue(t, tree).(map[string]any)
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// jsonValue returns v as the schema library wants it.
func jsonValue(t testing.TB, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parseJSON(t, raw)
}

func parseJSON(t testing.TB, raw []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%.300q: %v", raw, err)
	}
	return v
}

// at returns what a JSON pointer of the document leads to; references on the way
// are followed.
func (d *document) at(t testing.TB, pointer string) any {
	t.Helper()
	var v any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch c := v.(type) {
		case map[string]any:
			v = c[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(c) {
				t.Fatalf("%s: no item %q", pointer, part)
			}
			v = c[i]
		}
		if m, ok := v.(map[string]any); ok {
			v = d.follow(t, m)
		}
		if v == nil {
			t.Fatalf("%s leads to nothing at %q", pointer, part)
		}
	}
	return v
}

// follow returns the object that m refers to, or m itself.
func (d *document) follow(t testing.TB, m map[string]any) map[string]any {
	t.Helper()
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	return d.at(t, strings.TrimPrefix(ref, "#")).(map[string]any)
}

// schema compiles the schema at a pointer of the document; compiling holds it
// against the meta-schema.
func (d *document) schema(t testing.TB, pointer string) *jsonschema.Schema {
	t.Helper()
	if s, ok := d.compiled[pointer]; ok {
		return s
	}
	s, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		t.Fatalf("%s: %v", pointer, err)
	}
	d.compiled[pointer] = s
	return s
}

// inline compiles a schema that is part of another.
func (d *document) inline(t testing.TB, s map[string]any) *jsonschema.Schema {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	name := "inline:" + string(raw)
	if s, ok := d.compiled[name]; ok {
		return s
	}
	url := documentURL + "/inline/" + strconv.Itoa(len(d.compiled))
	whole := parseJSON(t, bytes.ReplaceAll(raw, []byte(`"#/`), []byte(`"`+documentURL+`#/`)))
	if err := d.compiler.AddResource(url, whole); err != nil {
		t.Fatal(err)
	}
	c, err := d.compiler.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	d.compiled[name] = c
	return c
}

// branches returns the schemas of which a value is one: those of oneOf where the schema
// says no more than that, else the schema itself.
func (d *document) branches(t testing.TB, s map[string]any) []map[string]any {
	t.Helper()
	s = d.follow(t, s)
	of, ok := s["oneOf"].([]any)
	if !ok || s["type"] != nil {
		return []map[string]any{s}
	}
	var out []map[string]any
	for _, b := range of {
		out = append(out, d.follow(t, b.(map[string]any)))
	}
	return out
}

// requestSchema is where the schema of a function's request body stands.
func requestSchema(function string) string {
	return map[string]string{
		"enroll":    "/components/schemas/EnrollRequest",
		"checkin":   "/components/schemas/CheckInRequest",
		"token":     "/components/schemas/TokenRequest",
		"mailtoken": "/components/schemas/MailTokenRequest",
	}[function]
}

// functionNames are those of the functions for devices.
var functionNames = []string{"enroll", "checkin", "token"}
