package workspace_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering makes the API answer 200 with the bodies in turn, the last for ever.
func (b *bench) answering(bodies ...string) *workspace.Client {
	return b.as(func(o *workspace.Options) {
		o.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/token") {
				return http.DefaultTransport.RoundTrip(r)
			}
			body := bodies[0]
			bodies = bodies[min(1, len(bodies)-1):]
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
	})
}

func TestRepliesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{caller: google.Options{Attempts: 2, BreakerFailures: 100}})
	for _, body := range []string{"", "{", "[]", `"text"`, "{}", `{"id":""}`, `{"id":7}`, "<html>echoed-word</html>", `{"id":["echoed-word"]}`} {
		_, err := b.answering(body).Get(t.Context(), workspace.ByID("1"))
		if fault.KindOf(err) != fault.Transient || strings.Contains(fmt.Sprint(err), "echoed-word") {
			t.Errorf("%q: %v", body, err)
		}
	}
	for _, body := range []string{"{}", `{"id":"x","resourceId":"r"}`, `{"resourceId":"r","expiration":"soon"}`} {
		_, err := b.answering(body).Watch(t.Context(), workspace.WatchRequest{ID: "x", Address: "https://example.com", Token: proof})
		want(t, err, fault.Transient, google.ReasonBackend)
	}
	u, err := b.answering(`{"id":"1","suspended":null,"archived":true,"lastLoginTime":"1970-01-01T00:00:00.000Z","creationTime":"x","new":{}}`).
		Get(t.Context(), workspace.ByID("1"))
	if err != nil || u.Suspended != workspace.Unknown || u.Archived != workspace.Yes || !u.LastLoginAt.IsZero() || !u.CreatedAt.IsZero() || !u.MayBeAdmin() {
		t.Errorf("%+v, %v", u, err)
	}
}

// What an attempt read before it failed is not in the reply of the next.
func TestAttemptsDoNotMix(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	u, err := b.answering(`{"suspended":true,"aliases":["a@example.com"],"id":7}`, `{"id":"1"}`).Get(t.Context(), workspace.ByID("1"))
	if diff := cmp.Diff(workspace.User{ID: "1"}, u); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestNewDialsNothing(t *testing.T) {
	t.Parallel()
	read := 0
	c := workspace.New(workspace.Options{
		Enterprise: "e1", Subject: boss,
		Credential: func(context.Context) (secret.Value, error) {
			read++
			return secret.Value{}, fault.New(fault.NotFound, "no-secret", "no key")
		},
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			t.Errorf("dialled %s", r.URL.Host)
			return nil, io.EOF
		}),
	})
	if read != 0 {
		t.Error("the credential was read")
	}
	// A failed first use is tried again.
	for i := range 2 {
		_, err := c.Get(t.Context(), workspace.ByID("1"))
		want(t, err, fault.NotFound, "no-secret")
		if read != i+1 {
			t.Errorf("read %d times", read)
		}
	}
}

// The default limit waits by itself.
func TestCreationLimitWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	c := b.as(func(o *workspace.Options) {
		o.Creations = workspace.NewCreationLimit(workspace.CreationOptions{Rate: 1000})
	})
	for i := range 3 {
		if _, err := c.Insert(t.Context(), newUser(fmt.Sprintf("u%d@example.com", i))); err != nil {
			t.Error(err)
		}
	}
}
