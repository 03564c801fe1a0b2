package workspace_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

const (
	plainWord = "plain-password-word"
	hashWord  = "5f4dcc3b5aa765d61d8327deb882cf99"
	proofWord = "channel-proof-word"
)

// secretCalls are the calls that carry secrets.
func (b *bench) secretCalls(ctx context.Context, id string) []error {
	plain := workspace.Password{Value: secret.New(plainWord)}
	hash := workspace.Password{Value: secret.New(hashWord), Hash: workspace.MD5}
	n := newUser("leak@example.com")
	n.Password = plain
	_, err1 := b.Insert(ctx, n)
	n.Password = hash
	_, err2 := b.Insert(ctx, n)
	_, err3 := b.Update(ctx, workspace.ByID(id), workspace.Patch{Password: hash})
	_, err4 := b.Watch(ctx, workspace.WatchRequest{ID: "x", Address: "https://example.com", Token: secret.New(proofWord)})
	return []error{err1, err2, err3, err4, b.setPassword(ctx, workspace.ByID(id), plain.Value)}
}

// E3: a server that echoes the request in its errors tells nobody's secrets.
func TestErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 412, 429, 500, 503} {
		b := newBench(t, setup{})
		u := b.insert(t, "anna@example.com")
		var texts []string
		try := func(what string) {
			for i, err := range b.secretCalls(t.Context(), u.ID) {
				if err == nil {
					t.Errorf("status %d, %s, call %d: no error", status, what, i)
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					texts = append(texts, e.Error(), fmt.Sprintf("%+v %#v", e, e))
				}
			}
		}
		b.sim.Faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: status})
		try("API")
		b.sim.Faults.Clear()
		b.sim.Tokens.RevokeAll()
		b.sim.Faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Echo, Status: status})
		try("token endpoint")
		b.sim.Close()
		try("network")
		search(t, strings.Join(texts, "\n"), append(b.sim.Tokens.Secrets(), plainWord, hashWord, proofWord, "ya29", "eyJ"))
	}
}

func TestInvalidPasswordsAreNotQuoted(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for _, p := range []workspace.Password{
		{Value: secret.New("sh0rt!")}, {Value: secret.New("umläut-password")}, {Value: secret.New("zz-no-hash"), Hash: workspace.MD5},
		{Value: secret.New("zz-no-hash"), Hash: workspace.SHA1}, {Value: secret.New("zz-no-hash"), Hash: workspace.Crypt},
		{Value: secret.New("$6$rounds=99999$salt$" + strings.Repeat("a", 86)), Hash: workspace.Crypt},
	} {
		_, err := b.Update(t.Context(), workspace.ByID("1"), workspace.Patch{Password: p})
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, p, p), p.Value.Reveal()) {
			t.Errorf("%s: %v", p.Hash, err)
		}
	}
}

// Google's generated client logs requests with their bodies where this variable
// says so; ours does not.
//
//nolint:paralleltest // changes the environment and standard error
func TestDebugLoggingTellsNoPassword(t *testing.T) {
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
	b := newBench(t, setup{})
	u := b.insert(t, "anna@example.com")
	b.secretCalls(t.Context(), u.ID)
	_ = w.Close()
	search(t, <-read, append(b.sim.Tokens.Secrets(), plainWord, hashWord, proofWord))
}

func search(t *testing.T, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%q is told", s)
		}
	}
}
