package directorysync

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// settle asks for the devices and accounts of people, by key, to be brought to the
// access that their rows now ask for. reconcile makes up for an event that is lost.
func (s *Engine) settle(ctx context.Context, c directory.Config, people []string, by string) error {
	var failed []error
	for chunk := range slices.Chunk(people, workflow.MaxIDs) {
		data, err := workflow.Command{Enterprise: c.Enterprise, Op: workflow.Settle, People: chunk,
			RequestedBy: by, RequestID: s.NewID(), RequestedAt: s.Now()}.Marshal()
		if err == nil {
			_, err = s.Bus.Publish(ctx, event.Provision, data)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
