package functions_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// seed makes the attacks; change it to see others. Keys and nonces are new each
// time: nothing depends on their values.
const seed = 20261121

// hostile is what attacks are made of.
type hostile struct {
	*world
	strange
	dice    *rand.Rand
	devices []*phone // enrolled
	nobody  []*phone // not enrolled
	secrets []string // the enrollment tokens of devices
	unknown []string // good tokens in form that nobody made
	// passwords are secrets that people typed, and go for ID tokens too.
	passwords []string
	add       string // what devices[0] is to do
	sample    map[string][][]byte
	broken    map[string][][]byte
	used      []request // requests that changed the state
}

func newHostile(t *testing.T, w *world) *hostile {
	t.Helper()
	h := &hostile{
		world: w, dice: rand.New(rand.NewPCG(seed, 1)),
		sample: map[string][][]byte{}, broken: map[string][][]byte{},
	}
	for range 3 {
		secret := w.admit("")
		h.secrets = append(h.secrets, secret)
		h.devices = append(h.devices, w.enrolled(secret))
		h.nobody = append(h.nobody, newPhone(t))
		h.unknown = append(h.unknown, "rc1_"+strings.Repeat("n", 20+h.dice.IntN(40)))
		h.passwords = append(h.passwords, "hunter2-"+strings.Repeat("p", 10+h.dice.IntN(40)))
	}
	h.add = w.directive(h.devices[0])
	h.used = w.changes()
	h.strange = newStrange(t)
	d := loadDocument(t)
	g := newGenerator(t, d)
	for _, function := range functionNames {
		schema := d.at(t, requestSchema(function)).(map[string]any)
		drawn := rapid.Custom(func(rt *rapid.T) any { return g.draw(rt, schema) })
		for i := range 12 {
			v := drawn.Example(seed + i)
			raw := marshal(t, v)
			if len(raw) > protocol.MaxBody/2 {
				continue // leave room for what makes it wrong
			}
			h.sample[function] = append(h.sample[function], raw)
			for _, m := range g.mutations(schema, v, "") {
				h.broken[function] = append(h.broken[function], marshal(t, m.value))
			}
		}
	}
	return h
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// pick returns one of the values.
func pick[T any](h *hostile, of []T) T { return of[h.dice.IntN(len(of))] }

// good returns the body of a good request.
func (h *hostile) good(function string) []byte {
	return bytes.Clone(pick(h, h.sample[function]))
}

// attack is one way of being wrong.
type attack struct {
	name     string
	statuses []int
	make     func(h *hostile, function string) request
}

// TestHostileRequests_C1E4 sends ten thousand wrong requests: each is refused
// with a 4xx that the document knows, none stores anything, and no refusal tells
// more than it must.
func TestHostileRequests_C1E4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	h := newHostile(t, w)
	l := newLedger(t)
	began := time.Now()
	start := w.dump(strangers)
	attacks := slices.Concat(proofAttacks, bodyAttacks, callAttacks)
	const total = 10_000
	refusal, sent := "", 0
	for i, a := range attacks {
		n := total / len(attacks)
		if i < total%len(attacks) {
			n++
		}
		for range n {
			function := pick(h, functionNames)
			r := a.make(h, function)
			got := w.serve(r)
			sent++
			l.check(t, r.function, got)
			if !slices.Contains(a.statuses, got.status) {
				t.Fatalf("%s at %s: %d %s, want one of %v\nbody %.300q", a.name, r.function, got.status, got.body, a.statuses, r.body)
			}
			h.discreet(a.name, r, got)
			if got.status != http.StatusUnauthorized {
				continue
			}
			if refusal == "" {
				refusal = uniform(got)
			}
			if diff := cmp.Diff(refusal, uniform(got)); diff != "" {
				t.Fatalf("%s: this 401 differs from the others (-first +this):\n%s", a.name, diff)
			}
		}
		if keys := changed(start, w.dump(strangers)); len(keys) > 0 {
			t.Fatalf("%s: stored %v", a.name, keys)
		}
	}
	if sent != total || refusal == "" {
		t.Errorf("%d requests were sent", sent)
	}
	if n, most := h.strangers(), strangersAtMost(began); n > most {
		t.Errorf("strangers left %d records, want at most %d", n, most)
	}
	for _, secret := range slices.Concat(h.secrets, h.unknown, h.passwords) {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("a token or a password is in the log")
		}
	}
}

// discreet fails if a refusal repeats what was confidential in the request, or
// admits to a defect.
func (h *hostile) discreet(name string, r request, got reply) {
	h.t.Helper()
	text := string(got.body)
	confidential := slices.Clone(h.secrets)
	confidential = slices.Concat(confidential, h.unknown, h.passwords)
	for _, p := range r.proofs {
		confidential = append(confidential, p)
		confidential = append(confidential, strings.Split(p, ".")...)
	}
	for _, c := range confidential {
		if len(c) > 12 && strings.Contains(text, c) {
			h.t.Fatalf("%s: the reply repeats %.40q: %s", name, c, text)
		}
	}
	if lower := strings.ToLower(text); strings.Contains(lower, "internal") || strings.Contains(lower, "panic") {
		h.t.Fatalf("%s: %s", name, text)
	}
}
