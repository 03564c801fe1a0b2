package functions_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

func TestDocument_IsOpenAPI(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc openAPI
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("version %q of %+v", doc.OpenAPI, doc.Info)
	}
	if got := doc.Servers[0].Variables["base"].Default; doc.Servers[0].URL != "{base}" || got == "" {
		t.Errorf("server %+v", doc.Servers)
	}
	var ids []string
	for path, item := range doc.Paths {
		ids = append(ids, item.Post.OperationID)
		if path != "/"+item.Post.OperationID || len(item.Post.Responses) == 0 || !item.Post.RequestBody.Required {
			t.Errorf("path %s: %+v", path, item.Post)
		}
		for status, r := range item.Post.Responses {
			if r.Ref == "" && r.Description == "" {
				t.Errorf("%s %s has no description", path, status)
			}
		}
	}
	slices.Sort(ids)
	if diff := cmp.Diff([]string{"checkin", "enroll", "mailtoken", "token"}, ids); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

func TestDocument_EveryComponentHoldsAndIsUsed(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	raw, err := json.Marshal(d.root)
	if err != nil {
		t.Fatal(err)
	}
	for kind, of := range d.at(t, "/components").(map[string]any) {
		for name := range of.(map[string]any) {
			if kind == "securitySchemes" { // are named, not referred to
				if !bytes.Contains(raw, []byte(`{"`+name+`":[]}`)) {
					t.Errorf("nothing is secured by %s", name)
				}
				continue
			}
			pointer := "/components/" + kind + "/" + name
			if !bytes.Contains(raw, []byte(`"#`+pointer+`"`)) {
				t.Errorf("%s is not used", pointer)
			}
			if kind == "schemas" {
				d.schema(t, pointer)
			}
		}
	}
	walk(d.root, func(m map[string]any) {
		if ref, ok := m["$ref"].(string); ok {
			d.at(t, strings.TrimPrefix(ref, "#"))
		}
		// An open object would let a misspelt member pass; a map says what its values are.
		of, _ := m["additionalProperties"].(map[string]any)
		if m["type"] == "object" && m["additionalProperties"] != false && (of["type"] == nil || m["propertyNames"] == nil) {
			t.Errorf("an object with the members %v is open", m["properties"])
		}
	})
}

func TestDocument_ExamplesHold(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	n := 0
	walk(d.root, func(m map[string]any) {
		examples, ok := m["examples"].(map[string]any)
		schema, has := m["schema"].(map[string]any)
		if !ok || !has {
			return
		}
		for name, e := range examples {
			n++
			if err := d.inline(t, schema).Validate(d.follow(t, e.(map[string]any))["value"]); err != nil {
				t.Errorf("example %s: %v", name, err)
			}
		}
	})
	if n < 20 {
		t.Errorf("only %d examples were found", n)
	}
}

// TestDocument_TheExampleProofIsReal verifies the proof as the function would
// have in its second, and decodes the example as the function does.
func TestDocument_TheExampleProofIsReal(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	body, err := json.Marshal(d.at(t, "/components/examples/EnrollRequest/value"))
	if err != nil {
		t.Fatal(err)
	}
	compact := d.at(t, "/components/examples/ProofEnroll/value").(string)
	at := time.Unix(1795233474, 0)
	if _, err := proof.Verify(compact, "POST", "https://emm.example.com/enroll", body, at); err != nil {
		t.Error(err)
	}
	if err := api.Decode(body, &protocol.EnrollRequest{}); err != nil {
		t.Error(err)
	}
}

// TestDocument_HasEveryMemberOfTheMessages compares the schemas with the types
// that the handlers read and write.
func TestDocument_HasEveryMemberOfTheMessages(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	for name, v := range map[string]any{
		"EnrollRequest": protocol.EnrollRequest{}, "SignIn": protocol.SignIn{}, "DeviceInfo": protocol.DeviceInfo{}, "EnrollReply": protocol.EnrollReply{},
		"CheckInRequest": protocol.CheckInRequest{}, "Account": protocol.Account{}, "Outcome": protocol.Outcome{},
		"CheckInReply": protocol.CheckInReply{}, "Directive": protocol.Directive{},
		"TokenRequest": protocol.TokenRequest{}, "TokenReply": protocol.TokenReply{},
		"SettingClaims": protocol.SettingClaims{}, "MailSetting": protocol.MailSetting{}, "MailAccount": protocol.MailAccount{},
		"MailExchange": protocol.MailExchange{}, "MailSync": protocol.MailSync{}, "MailIMAP": protocol.MailIMAP{},
		"ManagedMailClient": protocol.ManagedMailClient{},
		"MailTokenRequest":  mailclient.TokenRequest{}, "MailTokenReply": mailclient.TokenReply{}, "MailTokenItem": mailclient.TokenItem{},
	} {
		var want, got []string
		for f := range reflect.TypeOf(v).Fields() {
			member, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want = append(want, member)
		}
		for _, branch := range d.branches(t, d.at(t, "/components/schemas/"+name).(map[string]any)) {
			for member := range branch["properties"].(map[string]any) {
				got = append(got, member)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-type +document):\n%s", name, diff)
		}
	}
}

// walk calls fn for every object in v.
func walk(v any, fn func(map[string]any)) {
	switch c := v.(type) {
	case map[string]any:
		fn(c)
		for _, inner := range c {
			walk(inner, fn)
		}
	case []any:
		for _, inner := range c {
			walk(inner, fn)
		}
	}
}
