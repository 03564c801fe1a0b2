package admin

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const keyPath = "/v1/enterprises/acme/password-key"

func TestPasswordKey_W8_IsMadeRotatedAndNeverShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	var got passwordKeyView
	b.want(200, "GET", keyPath, "", &got)
	if d := cmp.Diff(passwordKeyView{Keys: []keyring.Key{}}, got); d != "" {
		t.Errorf("before it is made: -want +got:\n%s", d)
	}
	var made passwordKeyView
	b.want(200, "POST", keyPath, `{"rotate":true}`, &made)
	if len(made.Keys) != 1 || !made.Set || !made.Keys[0].Primary || !made.Keys[0].Enabled {
		t.Fatalf("made: %+v", made)
	}
	b.want(200, "POST", keyPath, `{"rotate":true}`, &got)
	first := made.Keys[0]
	first.Primary = false
	if len(got.Keys) != 2 || got.Keys[0] != first || !got.Keys[1].Primary {
		t.Errorf("rotated: %+v", got)
	}
	kept, err := b.office.Secrets.Access(t.Context(), keyring.SecretName)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(kept.Reveal(), `"value":"`)
	material, _, _ := strings.Cut(after, `"`)
	if len(material) < 32 {
		t.Fatalf("the key set has another form: no value of a key is found")
	}
	for _, w := range []string{b.do("GET", keyPath, "").Body.String(), b.log.String()} {
		if strings.Contains(w, material) || strings.Contains(w, "AesGcm") {
			t.Error("the key is shown")
		}
	}
	rotate := "admin:local password-key.rotate secret:password-key ok"
	if d := cmp.Diff([]string{rotate, rotate}, b.trail(systemTrail)); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestPasswordKeyRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for body, field := range map[string]string{
		`{}`: "rotate", `{"rotate":false}`: "rotate", `{"rotate":"true"}`: "rotate", `{"rotate":null}`: "rotate",
		`{"rotate":true,"key":"x"}`: "key", `true`: "", `{"rotate":true}x`: "",
	} {
		b.refuse(400, "POST", keyPath, body, field, "")
	}
	b.refuse(404, "POST", "/v1/enterprises/nobody/password-key", `{"rotate":true}`, "", "no enterprise")
	b.refuse(404, "GET", "/v1/enterprises/nobody/password-key", "", "", "no enterprise")
	b.refuse(405, "DELETE", keyPath, "", "", "GET and POST only")
	if got := b.trail(systemTrail); len(got) > 0 {
		t.Errorf("a refusal left %v", got)
	}
	damaged := secret.New(`{"key":"damaged-material"}`)
	if err := b.office.Secrets.Put(t.Context(), keyring.SecretName, damaged); err != nil {
		t.Fatal(err)
	}
	b.refuse(503, "GET", keyPath, "", "", "Restore its last good version")
	b.refuse(503, "POST", keyPath, `{"rotate":true}`, "", "Restore its last good version")
	if kept, _ := b.office.Secrets.Access(t.Context(), keyring.SecretName); !kept.Equal(damaged) {
		t.Error("a damaged key set was written over")
	}
	b.office.Secrets = brokenSecrets{}
	b.refuse(502, "GET", keyPath, "", "", "grant the role")
	b.refuse(502, "POST", keyPath, `{"rotate":true}`, "", "grant the role")
	b.leaksNothing("damaged-material")
}

// slowSecrets lets others go on between a read and the write after it.
type slowSecrets struct{ secret.Versions }

func (s slowSecrets) Newest(ctx context.Context, name string) (secret.Value, secret.Version, error) {
	v, version, err := s.Versions.Newest(ctx, name)
	for range 50 {
		runtime.Gosched()
	}
	return v, version, err
}

// TestPasswordKey_IsRotatedByOneAtATime: of many who rotate at once, nobody's key is
// lost: what it sealed would be too.
func TestPasswordKey_IsRotatedByOneAtATime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.office.Secrets = slowSecrets{b.office.Secrets}
	const n = 8
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if w := b.do("POST", keyPath, `{"rotate":true}`); w.Code != 200 {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	var got passwordKeyView
	b.want(200, "GET", keyPath, "", &got)
	if len(got.Keys) != n || len(b.trail(systemTrail)) != n {
		t.Errorf("%d keys and %d records, want %d", len(got.Keys), len(b.trail(systemTrail)), n)
	}
}
