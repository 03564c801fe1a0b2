package main

import (
	"context"
	"strconv"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// bus counts what is published, keeps it, and holds dead letters.
type bus struct {
	mu     sync.Mutex
	sent   int
	runs   []directory.Command
	orders []workflow.Command
	dead   []event.DeadLetter
}

func (b *bus) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if topic == event.Directory {
		c, err := directory.ParseCommand(data)
		if err != nil {
			return "", err
		}
		b.runs = append(b.runs, c)
	}
	if topic == event.Provision {
		c, err := workflow.Parse(data)
		if err != nil {
			return "", err
		}
		b.orders = append(b.orders, c)
	}
	b.sent++
	return "e" + strconv.Itoa(b.sent), nil
}

func (b *bus) List(context.Context, int) ([]event.DeadLetter, error) { return b.dead, nil }

func (b *bus) Replay(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.dead) == 0 || b.dead[0].ID != id {
		return fault.New(fault.NotFound, "not-found", "there is no dead letter %q", id)
	}
	b.dead = nil
	return nil
}
