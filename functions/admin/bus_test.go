package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// keptBus keeps what is published, and holds dead letters.
type keptBus struct {
	mu   sync.Mutex
	sent []workflow.Command
	runs []directory.Command
	dead []event.DeadLetter
	fail error
}

func (b *keptBus) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return "", b.fail
	}
	if topic == event.Directory {
		c, err := directory.ParseCommand(data)
		if err != nil {
			return "", err
		}
		b.runs = append(b.runs, c)
		return "r" + strconv.Itoa(len(b.runs)), nil
	}
	c, err := workflow.Parse(data)
	if err != nil || topic != event.Provision {
		return "", errors.Join(err, fmt.Errorf("published on %s: %s", topic, data))
	}
	b.sent = append(b.sent, c)
	return "e" + strconv.Itoa(len(b.sent)), nil
}

// take returns what was published and forgets it.
func (b *keptBus) take() []workflow.Command {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := b.sent
	b.sent = nil
	return sent
}

// takeRuns returns what was published on directories and forgets it.
func (b *keptBus) takeRuns() []directory.Command {
	b.mu.Lock()
	defer b.mu.Unlock()
	runs := b.runs
	b.runs = nil
	return runs
}

func (b *keptBus) List(_ context.Context, limit int) ([]event.DeadLetter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dead[:min(limit, len(b.dead))], nil
}

func (b *keptBus) Replay(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, d := range b.dead {
		if d.ID == id {
			b.dead = append(b.dead[:i:i], b.dead[i+1:]...)
			return nil
		}
	}
	return fault.New(fault.NotFound, "not-found", "there is no dead letter %q", id)
}
