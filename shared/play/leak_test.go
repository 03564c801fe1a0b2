package play_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// E3: a server that echoes the request in its errors tells nobody's secrets.
func TestErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 412, 429, 500, 503} {
		b := newBench(t)
		id := b.insert(t)
		if _, err := b.MintToken(t.Context(), b.ent, id); err != nil {
			t.Fatal(err)
		}
		var texts []string
		try := func() {
			_, err := b.MintToken(t.Context(), b.ent, id)
			_, err2 := b.Insert(t.Context(), b.ent, spec)
			_, err3 := b.CompleteSignup(t.Context(), secret.New("completion-word"), secret.New("enterprise-word"))
			for _, e := range []error{err, err2, err3} {
				if e == nil {
					t.Errorf("status %d: no error", status)
					continue
				}
				for e := e; e != nil; e = errors.Unwrap(e) {
					texts = append(texts, e.Error())
				}
			}
		}
		b.sim.Faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: status})
		try()
		b.sim.Faults.Clear()
		b.sim.Tokens.RevokeAll()
		b.sim.Faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Echo, Status: status})
		try()
		b.sim.Close()
		try()
		secrets := append(b.sim.Tokens.Secrets(), b.sim.IssuedTokens()...)
		secrets = append(secrets, "completion-word", "enterprise-word", "ya29", "eyJ")
		for _, s := range secrets {
			if strings.Contains(strings.Join(texts, "\n"), s) {
				t.Errorf("status %d: an error tells %q", status, s)
			}
		}
	}
}

// Google's generated client logs requests and replies where this variable says so;
// ours does not.
func TestDebugLoggingTellsNoToken(t *testing.T) { // changes the environment and standard error
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, stdout := os.Stderr, os.Stdout
	os.Stderr, os.Stdout = w, w
	defer func() { os.Stderr, os.Stdout = stderr, stdout }()
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	b := newBench(t)
	if _, err := b.MintToken(t.Context(), b.ent, b.insert(t)); err != nil {
		t.Error(err)
	}
	_ = w.Close()
	said := <-read
	for _, s := range append(b.sim.Tokens.Secrets(), b.sim.IssuedTokens()...) {
		if strings.Contains(said, s) {
			t.Errorf("%q is told", s)
		}
	}
}
