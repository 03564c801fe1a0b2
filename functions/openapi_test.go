package functions_test

import (
	"net/http"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestContract_TakesWhatTheDocumentAllows sends real devices' requests that are
// drawn from the document's schemas: none may be refused as badly formed.
func TestContract_TakesWhatTheDocumentAllows(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	g := newGenerator(t, l.doc)
	w := newWorld(t, nil)
	secret := w.admit("")
	p := w.enrolled(secret)
	for _, function := range functionNames {
		t.Run(function, func(t *testing.T) {
			schema := l.doc.at(t, requestSchema(function)).(map[string]any)
			rapid.Check(t, func(rt *rapid.T) {
				body := g.draw(rt, schema)
				if err := l.doc.schema(t, requestSchema(function)).Validate(body); err != nil {
					t.Fatalf("the generator is wrong: %v", err)
				}
				who := p
				if function == "enroll" {
					who = newPhone(t)
					if _, by := body.(map[string]any)["enrollmentToken"]; by && rapid.Bool().Draw(rt, "real token") {
						body.(map[string]any)["enrollmentToken"] = secret
					}
				}
				r := w.send(w.request(who, function, body))
				l.check(t, function, r)
				if r.status == http.StatusBadRequest {
					rt.Fatalf("refused: %s\n%v", r.body, body)
				}
			})
		})
	}
	for _, name := range []string{"enroll 200", "enroll 401", "checkin 200", "token 409"} {
		if l.seen[name] == 0 {
			t.Errorf("no request got as far as %s", name)
		}
	}
}

// TestContract_E4_RefusesWhatTheDocumentRefuses breaks requests in every way that
// the schemas know: each is refused with 400, which names the field.
func TestContract_E4_RefusesWhatTheDocumentRefuses(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	g := newGenerator(t, l.doc)
	w := newWorld(t, nil)
	p := w.enrolled(w.admit(""))
	before := w.dump(nil)
	whats := map[string]int{}
	for _, function := range functionNames {
		t.Run(function, func(t *testing.T) {
			schema := l.doc.at(t, requestSchema(function)).(map[string]any)
			compiled := l.doc.schema(t, requestSchema(function))
			try := func(fatal func(string, ...any), m mutation) {
				whats[m.sort()]++
				if compiled.Validate(m.value) == nil {
					fatal("%s at %s: the schema allows %v", m.what, m.field, m.value)
				}
				r := w.serve(w.request(p, function, m.value))
				l.check(t, function, r)
				if got := r.problem(t).Field; r.status != http.StatusBadRequest || !m.named(got) {
					fatal("%s: %d naming %q, want 400 naming %q: %s\n%v", m.what, r.status, got, m.field, r.body, m.value)
				}
			}
			if function == "checkin" { // what chance alone may miss
				for _, report := range []map[string]any{fullReport(), mailReport()} {
					for _, m := range g.mutations(schema, report, "") {
						try(t.Fatalf, m)
					}
				}
			}
			rapid.Check(t, func(rt *rapid.T) {
				body := g.draw(rt, schema)
				broken := g.mutations(schema, body, "")
				// A few of the many each time, the rarest first, so that over the run
				// all sorts have their turn.
				slices.SortStableFunc(broken, func(a, b mutation) int { return whats[a.sort()] - whats[b.sort()] })
				for _, m := range broken[:min(len(broken), 15)] {
					try(rt.Fatalf, m)
				}
			})
		})
	}
	if keys := changed(before, w.dump(nil)); len(keys) > 0 {
		t.Errorf("refused requests changed %v", keys)
	}
	for _, sort := range []string{
		"null outcomes[].detail", "extra member encryptionKey.extraMember", "extra member signIn.extraMember",
		"no signIn signIn", "no idToken idToken", "no enterprise enterprise", "too long signIn.password", "empty signIn.password",
		"control character signIn.username", "null signIn", "empty idToken", "too long device.agent", "too many items accounts",
		"too many items outcomes", "control character accounts[].name", "another word outcomes[].result", "no reason outcomes[].reason",
		"a text that does not belong here outcomes[].detail", "a text that does not belong here outcomes[].accountName", "no accountName outcomes[].accountName", "no text outcomes[].accountName",
	} {
		if whats[sort] == 0 {
			t.Errorf("no request was broken by %s", sort)
		}
	}
}

// fullReport returns a report with an outcome of each kind.
func fullReport() map[string]any {
	return map[string]any{
		"androidId": "3f2a",
		"accounts":  []any{map[string]any{"name": "a@example.com", "state": "ready"}},
		"outcomes": []any{
			map[string]any{"directiveId": "add-1", "result": "done", "accountName": "a@example.com"},
			map[string]any{"directiveId": "rm-1", "result": "failed", "reason": "NO", "detail": "why"},
		},
	}
}

// mailReport returns a report with an outcome of each kind of directive about settings.
func mailReport() map[string]any {
	return map[string]any{
		"accounts": []any{},
		"outcomes": []any{
			map[string]any{"directiveId": "set-1", "result": "done"},
			map[string]any{"directiveId": "unset-1", "result": "failed", "reason": "MAIL_CLIENT_MISSING", "detail": "why"},
		},
	}
}

// TestContract_DocumentAndHandlersAgree puts arbitrary texts into requests: the
// handlers refuse as badly formed what the schema refuses, and nothing else but
// for the rules that the document has in prose.
func TestContract_DocumentAndHandlersAgree(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	g := newGenerator(t, l.doc)
	w := newWorld(t, nil)
	stranger := newPhone(t) // is refused, but only after its body was taken
	texts := rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "add-", "add-1", "set-", "unset-1", "DONE", "failed", "done", "ready", "\u0080", "\u00a0", "\u2028", "AQAB", "P-256"}),
		rapid.String(), rapid.StringMatching(`[A-Za-z0-9_-]{1,110}`), rapid.StringOfN(rapid.Rune(), 250, 260, -1),
	)
	for _, function := range functionNames {
		t.Run(function, func(t *testing.T) {
			schema := l.doc.at(t, requestSchema(function)).(map[string]any)
			compiled := l.doc.schema(t, requestSchema(function))
			rapid.Check(t, func(rt *rapid.T) {
				body := g.draw(rt, schema)
				for range rapid.IntRange(1, 3).Draw(rt, "changes") {
					body = scatter(rt, texts, body)
				}
				body = jsonValue(t, body) // as it will arrive
				allowed := compiled.Validate(body)
				if allowed == nil && g.refusedByProse(body) {
					return
				}
				r := w.serve(w.request(stranger, function, body))
				l.check(t, function, r)
				if refused := r.status == http.StatusBadRequest; refused != (allowed != nil) {
					rt.Fatalf("%d %s, but the schema says: %v\n%v", r.status, r.body, allowed, body)
				}
			})
		})
	}
}

// scatter puts a drawn text in the place of one value somewhere in v.
func scatter(t *rapid.T, texts *rapid.Generator[string], v any) any {
	switch c := v.(type) {
	case map[string]any:
		for name, inner := range c {
			if name != "" && rapid.Bool().Draw(t, "into") {
				c[name] = scatter(t, texts, inner)
				break
			}
		}
		return c
	case []any:
		if len(c) == 0 {
			return c
		}
		i := rapid.IntRange(0, len(c)-1).Draw(t, "item")
		c[i] = scatter(t, texts, c[i])
		return c
	}
	return texts.Draw(t, "text")
}

// refusedByProse reports whether v, which the schema allows, breaks one of the
// rules that the document has in words only.
func (g *generator) refusedByProse(v any) bool {
	m, _ := v.(map[string]any)
	accounts, _ := m["accounts"].([]any)
	names := map[any]bool{}
	for _, a := range accounts {
		names[a.(map[string]any)["name"]] = true
	}
	if len(names) != len(accounts) {
		return true
	}
	key, _ := m["encryptionKey"].(map[string]any)
	if key == nil {
		return false
	}
	for _, real := range g.keys[key["kty"].(string)] {
		if real["x"] == key["x"] && real["y"] == key["y"] && real["n"] == key["n"] && real["e"] == key["e"] {
			return false
		}
	}
	return true // another number, which may be no key
}
