package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// settingView is a mail setting with what to tell of it.
type settingView struct {
	mail.Setting
	// Warnings are what an admin should know of it (invariant W9).
	Warnings []mail.Warning `json:"warnings"`
	// NeedsGenerated: devices get it together with the person's generated password.
	NeedsGenerated bool `json:"needsGenerated"`
	// Standing counts the devices on which its versions are; Truncated says that
	// there are more devices than were counted. Replies to changes are without.
	Standing  []standingView `json:"standing,omitzero"`
	Truncated bool           `json:"truncated,omitzero"`
	// Changed is of replies to changes: the setting is another than it was.
	Changed *bool `json:"changed,omitempty"`
}

// standingView is on how many devices a version of a setting stands where.
type standingView struct {
	Version int         `json:"version"`
	Status  mail.Status `json:"status"`
	Devices int         `json:"devices"`
}

func viewSetting(s mail.Setting) settingView {
	return settingView{Setting: s, Warnings: s.Warnings(), NeedsGenerated: s.NeedsGenerated()}
}

func noSetting(enterprise, id string) error {
	return fault.New(fault.NotFound, "not-found", "the enterprise %q has no mail setting %q", enterprise, id)
}

// listSettings lists an enterprise's settings in order of id.
func (o *Office) listSettings(r *request) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	book, err := o.DB.MailBook(r.Context(), e.ID)
	if err != nil {
		return err
	}
	settings, next := cut(book.Settings, p, func(s mail.Setting) string { return s.ID })
	items, err := o.standing(r.Context(), e.ID, settings)
	if err != nil {
		return err
	}
	return answer(r, page[settingView]{Items: items, Next: next})
}

func (o *Office) showSetting(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	id, err := r.id("mail setting")
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	book, err := o.DB.MailBook(r.Context(), e.ID)
	if err != nil {
		return err
	}
	s, ok := book.Setting(id)
	if !ok {
		return noSetting(e.ID, id)
	}
	items, err := o.standing(r.Context(), e.ID, []mail.Setting{s})
	if err != nil {
		return err
	}
	return answer(r, items[0])
}

// standing returns the settings with where they stand on the enterprise's devices.
func (o *Office) standing(ctx context.Context, enterprise string, settings []mail.Setting) ([]settingView, error) {
	items := []settingView{}
	if len(settings) == 0 {
		return items, nil
	}
	var end ending
	devices := every(maxCounted, func(p record.Page) ([]device.Device, string, error) { return o.DB.Devices(ctx, enterprise, p) }, &end)
	count := mail.Tally(func(yield func([]mail.Held) bool) {
		for d := range devices {
			if !yield(d.Mail.Held) {
				return
			}
		}
	})
	for _, s := range settings {
		v := viewSetting(s)
		v.Standing, v.Truncated = []standingView{}, end.more
		for at, n := range count {
			if at.Setting == s.ID {
				v.Standing = append(v.Standing, standingView{at.Version, at.Status, n})
			}
		}
		slices.SortFunc(v.Standing, func(a, b standingView) int {
			if a.Version != b.Version {
				return a.Version - b.Version
			}
			return strings.Compare(string(a.Status), string(b.Status))
		})
		items = append(items, v)
	}
	return items, end.err
}

// cut returns the page of items, which are in order of their ids, and where the
// following one starts.
func cut[T any](items []T, p record.Page, id func(T) string) ([]T, string) {
	if p.Next != "" {
		i := slices.IndexFunc(items, func(v T) bool { return id(v) > p.Next })
		if i < 0 {
			return nil, ""
		}
		items = items[i:]
	}
	if len(items) <= p.Limit {
		return items, ""
	}
	return items[:p.Limit], id(items[p.Limit-1])
}
