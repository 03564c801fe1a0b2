package secretmanager_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager/secretmanagertest"
)

// Google's client logs requests and replies where this variable says so; ours does
// not (invariant E3).
func TestDebugLoggingTellsNoSecret(t *testing.T) { // changes the environment and standard error
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
	s := open(t, secretmanagertest.New(t), secretmanager.Options{Cache: -1})
	put(t, s, "plain-secret-word")
	want(t, s, "plain-secret-word")
	_ = w.Close()
	// A payload is bytes, which protobuf writes in base64 as JSON.
	said := <-read
	for _, form := range []string{"plain-secret-word", "cGxhaW4tc2VjcmV0LXdvcmQ="} {
		if strings.Contains(said, form) {
			t.Errorf("%q is told", form)
		}
	}
}
