// Package bus opens the event bus of a process and registers functions with it.
package bus

import (
	"context"
	"log/slog"
	"sync"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/cloudevent"
	"github.com/rollcall-emm/rollcall/shared/event/embedded"
	"github.com/rollcall-emm/rollcall/shared/event/pubsub"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/setup"
)

// Bus is what both buses can do. It may be used concurrently.
type Bus interface {
	event.Publisher
	event.DeadLetters
	// Subscribe makes h the handler of a topic, for Run.
	Subscribe(topic event.Topic, h event.Handler)
	// Run delivers until ctx ends; functions in the cloud do not need it.
	Run(ctx context.Context) error
	Close() error
}

// Open returns the process's bus.
func Open(_ context.Context, p *setup.Process) (Bus, error) {
	return setup.Shared(p, "bus", func() (Bus, error) {
		if p.Config.Bus == "pubsub" {
			return pubsub.New(p.Config.Project, &pubsub.Options{Prefix: p.Config.TopicPrefix, Log: p.Log}), nil
		}
		return embedded.Open(p.Config.Data, &embedded.Options{Log: p.Log})
	})
}

// Function returns a function for functions.CloudEvent that makes its handler at
// the first event and tries again after a failure, which brings the event back.
func Function(topic event.Topic, open func(context.Context, *setup.Process) (event.Handler, error)) func(context.Context, cloudevents.Event) error {
	var mu sync.Mutex
	var ready event.Handler
	get := func(ctx context.Context) (event.Handler, error) {
		mu.Lock()
		defer mu.Unlock()
		if ready != nil {
			return ready, nil
		}
		// The clients outlive the event that first needed them.
		ctx = context.WithoutCancel(ctx)
		p, err := setup.Current(ctx)
		if err != nil {
			return nil, err
		}
		h, err := open(ctx, p)
		if err == nil {
			ready = h
		}
		return h, err
	}
	log := setup.Config{}.Logger(nil)
	return cloudevent.Function(topic, func(ctx context.Context, e event.Event) error {
		h, err := get(ctx)
		if err != nil {
			log.LogAttrs(ctx, slog.LevelError, "set-up failed", slog.String("error", err.Error()))
			// Whatever the cause, the event is worth another delivery.
			return fault.Wrap(err, fault.Transient, "not-ready", "this function is not ready")
		}
		return h(ctx, e)
	}, log)
}
