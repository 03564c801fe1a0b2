package admin

import (
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// deadLetterView is an event that was given up. Its payload is shown as far as it
// is a command; anything else stays where it is, for it could hold anything.
type deadLetterView struct {
	ID        string            `json:"id"`
	Topic     event.Topic       `json:"topic"`
	Published time.Time         `json:"published"`
	Died      time.Time         `json:"died"`
	Attempts  int               `json:"attempts,omitzero"`
	Reason    string            `json:"reason"`
	Command   *workflow.Command `json:"command,omitempty"`
	// Directory is the command of an event on a directory.
	Directory *directory.Command `json:"directory,omitempty"`
	// Password says whose password an event is about.
	Password *password.Nudge `json:"password,omitempty"`
}

func (o *Office) listDeadLetters(r *request) error {
	if err := r.accept("limit"); err != nil {
		return err
	}
	p, err := r.page()
	if err != nil {
		return err
	}
	letters, err := o.DeadLetters.List(r.Context(), p.Limit)
	if err != nil {
		return err
	}
	items := make([]deadLetterView, len(letters))
	for i, l := range letters {
		items[i] = deadLetterView{
			ID: l.ID, Topic: l.Topic, Published: l.Published, Died: l.Died, Attempts: l.Attempt, Reason: l.Reason,
		}
		if c, err := workflow.Parse(l.Data); l.Topic == event.Provision && err == nil {
			items[i].Command = &c
		}
		if c, err := directory.ParseCommand(l.Data); l.Topic == event.Directory && err == nil {
			items[i].Directory = &c
		}
		if n, err := password.ParseNudge(l.Data); l.Topic == event.Password && err == nil {
			items[i].Password = &n
		}
	}
	return list(r, items, "")
}

func (o *Office) replayDeadLetter(r *request) error {
	id, err := r.id("dead letter")
	if err != nil {
		return err
	}
	rec := o.note(r, systemTrail, "dead-letter.replay", "event:"+id, "")
	err = o.recorded(r.Context(), rec, func() error { return o.DeadLetters.Replay(r.Context(), id) })
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusAccepted, started{EventID: id})
}
