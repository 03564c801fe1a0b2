package firestore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]fault.Kind{
		codes.NotFound:           fault.Permanent,
		codes.Aborted:            fault.Transient,
		codes.Unavailable:        fault.Transient,
		codes.DeadlineExceeded:   fault.Transient,
		codes.Internal:           fault.Transient,
		codes.Unknown:            fault.Transient,
		codes.Canceled:           fault.Transient,
		codes.ResourceExhausted:  fault.Transient,
		codes.PermissionDenied:   fault.Permanent,
		codes.Unauthenticated:    fault.Permanent,
		codes.InvalidArgument:    fault.Permanent,
		codes.FailedPrecondition: fault.Permanent,
	} {
		cause := fmt.Errorf("wrapped: %w", status.Error(code, "private"))
		got := classify(t.Context(), cause)
		if fault.KindOf(got) != want || !errors.Is(got, cause) {
			t.Errorf("classify(%v) = %v, want kind %v around the cause", code, got, want)
		}
	}
	if got := classify(t.Context(), nil); got != nil {
		t.Errorf("classify(nil) = %v", got)
	}
	if got := classifyRead(t.Context(), store.Key{}, status.Error(codes.NotFound, "")); fault.KindOf(got) != fault.NotFound {
		t.Errorf("a missing document is %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := classify(ctx, status.Error(codes.Canceled, ""))
	if fault.KindOf(got) != fault.Transient || !errors.Is(got, context.Canceled) {
		t.Errorf("a cancelled context is %v", got)
	}
}

// A failed first use is tried again, and the client outlives its first caller.
func TestDialAgain(t *testing.T) {
	t.Parallel()
	dials := 0
	s := &Store{dial: func(ctx context.Context) (*firestore.Client, error) {
		dials++
		if dials == 1 {
			return nil, errors.New("no credentials")
		}
		if ctx.Done() != nil {
			t.Error("the client would end with its first caller")
		}
		return &firestore.Client{}, nil
	}}
	if _, err := s.connect(t.Context()); fault.KindOf(err) != fault.Transient {
		t.Errorf("the first use failed with %v, want fault.Transient", err)
	}
	first, err := s.connect(t.Context())
	if err != nil {
		t.Fatalf("the second use: %v", err)
	}
	again, err := s.connect(t.Context())
	if err != nil || again != first || dials != 2 {
		t.Errorf("the third use dialled again (%d) or failed: %v", dials, err)
	}
}

func TestForeignDocuments(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[string]any{
		"no body":          {},
		"body not a map":   {"body": "x"},
		"index not a text": {"body": map[string]any{}, "index": map[string]any{"f": 1}},
	} {
		if _, err := decode(store.Key{}, fields); fault.ReasonOf(err) != "store-corrupt" {
			t.Errorf("%s: %v, want reason store-corrupt", name, err)
		}
	}
}
