package cloudevent_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/cloudevent"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

const source = "//pubsub.googleapis.com/projects/p/topics/"

var published = time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)

func wrap(typ, src, data string) cloudevents.Event {
	ce := cloudevents.New()
	ce.SetID("ce-1")
	ce.SetType(typ)
	ce.SetSource(src)
	ce.SetTime(published.Add(time.Hour))
	ce.DataEncoded = []byte(data)
	return ce
}

func TestDecode(t *testing.T) {
	t.Parallel()
	large := base64.StdEncoding.EncodeToString(make([]byte, event.MaxData+1))
	tests := []struct {
		name, typ, src, data string
		want                 event.Event
		kind                 fault.Kind
	}{
		{
			name: "published by Rollcall", typ: cloudevent.Type, src: source + "prod-provision",
			data: `{"subscription":"s","deliveryAttempt":3,"message":{"data":"e30=","messageId":"7","message_id":"7",
				"publishTime":"2026-01-02T03:04:05.6Z","attributes":{"rollcall-topic":"provision","rollcall-id":"id-1"}}}`,
			want: event.Event{ID: "id-1", Topic: event.Provision, Data: []byte("{}"), Published: published, Attempt: 3},
		},
		{
			name: "published by a schedule", typ: cloudevent.Type, src: source + "reconcile",
			data: `{"message":{"messageId":"7","publishTime":"2026-01-02T04:04:05.6+01:00"}}`,
			want: event.Event{ID: "7", Topic: event.Reconcile, Published: published},
		},
		{
			name: "source without a topic", typ: cloudevent.Type, src: "//pubsub.googleapis.com/",
			data: `{"message":{"messageId":"7","data":""}}`,
			want: event.Event{ID: "7", Topic: event.Provision, Published: published.Add(time.Hour)},
		},
		{
			name: "no message id", typ: cloudevent.Type, src: source + "provision", data: `{"message":{}}`,
			want: event.Event{ID: "ce-1", Topic: event.Provision, Published: published.Add(time.Hour)},
		},
		{name: "another type", typ: "google.cloud.storage.object.v1.finalized", src: source, data: `{}`, kind: fault.Invalid},
		{name: "not JSON", typ: cloudevent.Type, src: source, data: `<x>`, kind: fault.Invalid},
		{name: "no data", typ: cloudevent.Type, src: source, data: ``, kind: fault.Invalid},
		{name: "no message", typ: cloudevent.Type, src: source, data: `{"message":null}`, kind: fault.Invalid},
		{name: "not base64", typ: cloudevent.Type, src: source, data: `{"message":{"data":"%%"}}`, kind: fault.Invalid},
		{name: "a foreign topic", typ: cloudevent.Type, src: source, data: `{"message":{"attributes":{"rollcall-topic":"x"}}}`, kind: fault.Invalid},
		{name: "too large", typ: cloudevent.Type, src: source, data: `{"message":{"data":"` + large + `"}}`, kind: fault.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := cloudevent.Decode(wrap(tt.typ, tt.src, tt.data), event.Provision)
			if fault.KindOf(err) != tt.kind {
				t.Fatalf("Decode = %v, want kind %v", err, tt.kind)
			}
			if tt.kind != fault.Unknown {
				return
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Errorf("Decode = %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestFunction(t *testing.T) {
	t.Parallel()
	const private = "hunter2 100%s"
	tests := []struct {
		name    string
		handler func() error
		again   bool
		logged  bool
	}{
		{"done", func() error { return nil }, false, false},
		{"invalid", func() error { return fault.New(fault.Invalid, "x", "no") }, false, true},
		{"denied", func() error { return fault.New(fault.Denied, "x", "no") }, false, true},
		{"permanent", func() error { return fmt.Errorf("w: %w", fault.New(fault.Permanent, "x", "no")) }, false, true},
		{"transient", func() error { return fault.Wrap(errors.New(private), fault.Transient, "x", "%s", private) }, true, true},
		{"exhausted", func() error { return fault.New(fault.Exhausted, "x", "%s", private) }, true, true},
		{"unknown", func() error { return errors.New(private) }, true, true},
		{"deadline", func() error { return context.DeadlineExceeded }, true, true},
		{"panic", func() error { panic(private) }, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			f := cloudevent.Function(event.Provision, func(context.Context, event.Event) error { return tt.handler() },
				slog.New(slog.NewTextHandler(&out, nil)))
			err := f(t.Context(), wrap(cloudevent.Type, source+"provision", `{"message":{"messageId":"7"}}`))
			if got := err != nil; got != tt.again {
				t.Errorf("function = %v, want redelivery %v", err, tt.again)
			}
			if err != nil && (strings.ContainsAny(err.Error(), "%\n") || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 60) {
				t.Errorf("error text = %q, want it terse, without the cause and without %%", err)
			}
			if got := strings.Contains(out.String(), "event_id=7"); got != tt.logged {
				t.Errorf("log = %q, want a record %v", &out, tt.logged)
			}
		})
	}
}

// TestFunctionDropsWhatItCannotRead: no redelivery makes it readable.
func TestFunctionDropsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `{}`, `{"message":{"attributes":{"rollcall-topic":"reconcile"}}}`} {
		f := cloudevent.Function(event.Provision, func(context.Context, event.Event) error {
			t.Errorf("handler called for %s", data)
			return nil
		}, slog.New(slog.DiscardHandler))
		if err := f(t.Context(), wrap(cloudevent.Type, source+"provision", data)); err != nil {
			t.Errorf("function of %q = %v, want nil", data, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range []string{
		``, `{}`, `{"message":null}`, `{"message":{}}`, `{"message":{"data":"e30="}}`, `{"message":{"data":"%"}}`,
		`{"message":{"attributes":{"rollcall-topic":"provision","rollcall-id":"1"}},"deliveryAttempt":-1}`,
		`{"message":{"publishTime":"0000-00-00T00:00:00Z"}}`, `{"message":{"attributes":{"a":1}}}`, `[]`, "\xff",
	} {
		f.Add(source+"provision", data)
	}
	f.Add("", `{"message":{}}`)
	f.Add("%2f/", `{"message":{"messageId":"1"}}`)
	f.Fuzz(func(t *testing.T, src, data string) {
		e, err := cloudevent.Decode(wrap(cloudevent.Type, src, data), event.Reconcile)
		if err != nil {
			if fault.As(err) == nil || fault.Redeliver(err) {
				t.Errorf("Decode = %v, want a final *fault.Error", err)
			}
			return
		}
		if e.ID == "" || !event.Known(e.Topic) || len(e.Data) > event.MaxData || e.Attempt < 0 || e.Published.Location() != time.UTC {
			t.Errorf("Decode = %+v, want a whole event", e)
		}
	})
}
