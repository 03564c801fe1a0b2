package pubsub_test

import (
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/eventtest"
	"github.com/rollcall-emm/rollcall/shared/event/pubsub"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// TestMain runs more tests at once than there are processors, for they wait for a
// server most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func options(wait time.Duration, client ...option.ClientOption) *pubsub.Options {
	return &pubsub.Options{
		MinBackoff: time.Millisecond, MaxBackoff: 100 * time.Millisecond, PullWait: wait,
		Log: slog.New(slog.DiscardHandler), Client: client,
	}
}

func ready(t *testing.T, b *pubsub.Bus) *pubsub.Bus {
	t.Helper()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	// The second time everything is there already.
	for range 2 {
		if err := b.EnsureTopics(t.Context()); err != nil {
			t.Fatalf("EnsureTopics = %v", err)
		}
	}
	return b
}

func at(addr string) []option.ClientOption {
	return []option.ClientOption{
		option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}

// fake starts Google's in-process fake.
func fake(t *testing.T, opts ...pstest.ServerReactorOption) (*pstest.Server, []option.ClientOption) {
	t.Helper()
	s := pstest.NewServer(opts...)
	t.Cleanup(func() { _ = s.Close() })
	return s, at(s.Addr)
}

func TestBusOnFake(t *testing.T) {
	t.Parallel()
	eventtest.Run(t, func(t *testing.T) eventtest.Bus {
		_, client := fake(t)
		// The fake's answer to an empty pull takes half a second.
		return ready(t, pubsub.New("fake", options(700*time.Millisecond, client...)))
	})
}

// emulator returns the address of Google's emulator.
func emulator(t *testing.T) string {
	t.Helper()
	host := os.Getenv("PUBSUB_EMULATOR_HOST")
	if host == "" {
		const how = "PUBSUB_EMULATOR_HOST is not set; ./scripts/test starts Google's Pub/Sub emulator and sets it"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	return host
}

func TestBusOnEmulator(t *testing.T) {
	t.Parallel()
	host := emulator(t)
	eventtest.Run(t, func(t *testing.T) eventtest.Bus {
		opt := options(500*time.Millisecond, at(host)...)
		// The emulator is shared, also with runs before this one.
		opt.Prefix = "t-" + rand.Text() + "-"
		return ready(t, pubsub.New("emulator", opt))
	})
}

func TestClassify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   codes.Code
		kind   fault.Kind
		reason string
	}{
		{codes.PermissionDenied, fault.Permanent, "pubsub-permission"},
		{codes.Unauthenticated, fault.Permanent, "pubsub-credentials"},
		{codes.NotFound, fault.Permanent, "pubsub-missing"},
		{codes.InvalidArgument, fault.Permanent, "pubsub-invalidargument"},
	}
	for _, tt := range tests {
		t.Run(tt.code.String(), func(t *testing.T) {
			t.Parallel()
			_, client := fake(t, pstest.WithErrorInjection("Publish", tt.code, "injected"))
			b := ready(t, pubsub.New("fake", options(time.Second, client...)))
			_, err := b.Publish(t.Context(), event.Provision, nil)
			if fault.KindOf(err) != tt.kind || fault.ReasonOf(err) != tt.reason {
				t.Errorf("Publish = %v, want %v %s", err, tt.kind, tt.reason)
			}
		})
	}
}
