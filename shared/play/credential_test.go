package play_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestCredential(t *testing.T) {
	t.Parallel()
	t.Run("a failed first use is tried again", func(t *testing.T) {
		t.Parallel()
		fail := true
		var key secret.Value
		b := newBench(t, func(o *play.Options) {
			read := o.Credential
			o.Credential = func(ctx context.Context) (secret.Value, error) {
				if fail {
					return key, errors.New("secret store is away")
				}
				return read(ctx)
			}
		})
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Transient, google.ReasonIdentity)
		fail = false
		b.insert(t)
	})
	t.Run("not a key file", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, func(o *play.Options) {
			o.Credential = func(context.Context) (secret.Value, error) { return secret.New(`{"type":"secret words"}`), nil }
		})
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Permanent, google.ReasonKey)
		if strings.Contains(err.Error(), "secret words") {
			t.Errorf("error quotes the file: %v", err)
		}
	})
	t.Run("foreign token endpoint", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, func(o *play.Options) { o.Endpoint = "" })
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Permanent, google.ReasonKey)
		if host := strings.TrimPrefix(b.sim.URL, "http://"); !strings.Contains(err.Error(), host) {
			t.Errorf("%q does not name %s", err, host)
		}
		if n := b.sim.Faults.Calls("*"); n != 0 {
			t.Errorf("%d calls were made", n)
		}
	})
	t.Run("a replaced key is picked up within the call", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.insert(t)
		retire := func() {
			b.sim.Tokens.RevokeAll()
			b.sim.Tokens.DeleteKey(b.account.Email, b.account.KeyID)
		}
		retire()
		var err error
		if b.account, err = b.sim.NewServiceAccount("esa"); err != nil {
			t.Fatal(err)
		}
		b.insert(t)
		retire()
		_, err = b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Permanent, google.ReasonKey)
	})
}

func TestNewDialsNothing(t *testing.T) {
	t.Parallel()
	c := play.New(play.Options{
		Credential: func(context.Context) (secret.Value, error) {
			t.Error("credential read")
			return secret.Value{}, errors.New("no")
		},
		Base: roundTripper(func(*http.Request) (*http.Response, error) {
			t.Error("dialled")
			return nil, errors.New("no")
		}),
	})
	if c == nil {
		t.Error("no client")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
