package secret_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

const content = "correct-horse-battery-staple"

// leaks reports whether out shows the content in any form that fmt can give it.
func leaks(out string) bool {
	decimal := strings.Trim(fmt.Sprint([]byte(content[:4])), "[]")
	low := strings.ToLower(out)
	return strings.Contains(low, content) || strings.Contains(low, hex.EncodeToString([]byte(content[:4]))) ||
		strings.Contains(low, decimal)
}

type exported struct{ Password secret.Value }

type hidden struct {
	password secret.Value
	inner    *exported
	list     []secret.Value
	byName   map[string]secret.Value
	any      any
}

func holders() map[string]any {
	v := secret.New(content)
	h := hidden{password: v, inner: &exported{v}, list: []secret.Value{v}, byName: map[string]secret.Value{"a": v}, any: v}
	return map[string]any{
		"value": v, "pointer": &v, "exported": exported{v}, "hidden": h, "hidden pointer": &h,
		"slice": []secret.Value{v}, "array": [1]secret.Value{v}, "map": map[string]secret.Value{"k": v},
		"nested map": map[string]any{"k": map[string]any{"k": h}},
		"error":      fmt.Errorf("login failed: %w", errors.Join(errors.New("x"), fmt.Errorf("%v %s %+v", v, v, h))),
	}
}

// TestInvariantE3ValueNeverPrints: no verb of fmt shows a secret (E3).
func TestInvariantE3ValueNeverPrints(t *testing.T) {
	t.Parallel()
	for name, x := range holders() {
		for _, verb := range strings.Split("v +v #v s q x X #x d o b t c U e g p T w 10s -40v +q", " ") {
			if got := fmt.Errorf("%"+verb, x).Error(); leaks(got) {
				t.Errorf("%%%s of %s leaks: %s", verb, name, got)
			}
		}
		if got := fmt.Sprint(x) + fmt.Sprintln(x); leaks(got) {
			t.Errorf("Sprint of %s leaks: %s", name, got)
		}
	}
}

// TestInvariantE3ValueNeverLogged: no handler of slog shows a secret (E3).
func TestInvariantE3ValueNeverLogged(t *testing.T) {
	t.Parallel()
	for name, x := range holders() {
		var out bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			log := slog.New(h).With("bound", x)
			log.LogAttrs(context.Background(), slog.LevelInfo, "message", slog.Any("x", x), slog.Group("g", slog.Any("y", x)))
		}
		if leaks(out.String()) {
			t.Errorf("slog of %s leaks: %s", name, &out)
		}
	}
}

// TestInvariantE3ValueNeverMarshalled: no marshaller shows a secret (E3).
func TestInvariantE3ValueNeverMarshalled(t *testing.T) {
	t.Parallel()
	for name, x := range holders() {
		j, err := json.Marshal(x)
		if err != nil || leaks(string(j)) {
			t.Errorf("json of %s = %s, %v", name, j, err)
		}
		// XML cannot marshal maps; what it wrote before it refused counts too.
		if m, _ := xml.Marshal(x); leaks(string(m)) {
			t.Errorf("xml of %s leaks: %s", name, m)
		}
	}
	got, err := json.Marshal(map[string]secret.Value{"a": secret.New(content)})
	if want := `{"a":"[redacted]"}`; err != nil || string(got) != want {
		t.Errorf("json = %s, %v; want %s", got, err, want)
	}
}

func TestValueShowsRedacted(t *testing.T) {
	t.Parallel()
	for _, v := range []secret.Value{{}, secret.New(content)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%40s"} {
			if got := fmt.Sprintf(verb, v); got != secret.Redacted {
				t.Errorf("%s = %q, want %q", verb, got, secret.Redacted)
			}
		}
		if v.String() != secret.Redacted || v.GoString() != secret.Redacted || v.LogValue().String() != secret.Redacted {
			t.Error("String, GoString and LogValue must be redacted")
		}
	}
}

func TestValueHoldsContent(t *testing.T) {
	t.Parallel()
	b := []byte(content)
	v := secret.NewBytes(b)
	b[0] = 'X'
	v.Bytes()[0] = 'Y'
	if v.Reveal() != content || !bytes.Equal(v.Bytes(), []byte(content)) || v.Empty() {
		t.Error("a Value must hold a copy of what it was made from")
	}
	for _, empty := range []secret.Value{{}, secret.New(""), secret.NewBytes(nil)} {
		if !empty.Empty() || empty.Reveal() != "" || !empty.Equal(secret.Value{}) || empty.Equal(v) {
			t.Error("a Value of nothing must be empty")
		}
	}
	if !v.Equal(secret.New(content)) || v.Equal(secret.New(content+"r")) || v.Equal(secret.New("Correct-horse-battery-staple")) {
		t.Error("Equal must compare the content")
	}
	if diff := cmp.Diff(exported{v}, exported{secret.New("other")}); diff == "" || leaks(diff) {
		t.Errorf("cmp.Diff must see the difference without showing it: %s", diff)
	}
}
