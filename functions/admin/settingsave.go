package admin

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// saveSetting makes a setting or replaces it whole. What the server counts itself is
// refused where it is not as stored, so that nobody's change is undone unseen. What
// changes nothing is not stored.
func (o *Office) saveSetting(r *request) error {
	id := r.PathValue("id") // Validate says what it may be
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body mail.Setting
	if err := r.body(&body); err != nil {
		return err
	}
	switch {
	case body.ID != "" && body.ID != id:
		return fault.Field("id", "the path names the setting %q; leave this member out, or give the same", id)
	case body.Enterprise != "" && body.Enterprise != e.ID:
		return fault.Field("enterprise", "the path names the enterprise %q; leave this member out, or give the same", e.ID)
	}
	s := body
	s.ID, s.Enterprise = id, e.ID
	around, err := o.surroundings(r, e.ID, s)
	if err != nil {
		return err
	}
	if err := s.Validate(around); err != nil {
		return err
	}
	return o.changeBook(r, e.ID, func(tx *record.Tx, book mail.Book) (mail.Setting, string, error) {
		if s.NeedsGenerated() {
			// Whoever removes the policy meanwhile sees this setting, or is seen.
			if _, err := tx.PasswordPolicy(e.ID); err != nil {
				if fault.KindOf(err) == fault.NotFound {
					err = fault.Field("signIn", "%s", needsPolicy(e.ID))
				}
				return s, "", err
			}
		}
		old, ok := book.Setting(id)
		return s, "setting.save", asStored(body, old, ok)
	})
}

// asStored refuses a setting whose members that the server gives are others than the
// stored setting's.
func asStored(body, old mail.Setting, exists bool) error {
	given := body.Version != 0 || !body.CreatedAt.IsZero() || !body.UpdatedAt.IsZero()
	switch {
	case !exists && given:
		return fault.New(fault.Conflict, "setting-changed",
			"there is no such setting any more; leave the members version, createdAt and updatedAt out to make it anew")
	case body.Version != 0 && body.Version != old.Version,
		!body.CreatedAt.IsZero() && !body.CreatedAt.Equal(old.CreatedAt),
		!body.UpdatedAt.IsZero() && !body.UpdatedAt.Equal(old.UpdatedAt):
		return fault.New(fault.Conflict, "setting-changed",
			"the setting has the version %d by now and was last changed at %s; read it again, or leave the members version, createdAt and updatedAt out to replace it",
			old.Version, old.UpdatedAt.Format("2006-01-02T15:04:05Z07:00"))
	}
	return nil
}

// labelSetting applies a setting to labels, and to no others. Labels are no part of a
// version, so whoever made them of those that were there says when that setting was
// changed last.
func (o *Office) labelSetting(r *request) error {
	id, err := r.id("mail setting")
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body struct {
		Labels    *[]string `json:"labels"`
		UpdatedAt time.Time `json:"updatedAt"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	if body.Labels == nil {
		return fault.Field("labels", "give the labels that the setting is applied to; [] is none")
	}
	if err := mail.CheckLabels(*body.Labels); err != nil {
		return err
	}
	return o.changeBook(r, e.ID, func(_ *record.Tx, book mail.Book) (mail.Setting, string, error) {
		s, ok := book.Setting(id)
		if !ok {
			return s, "", noSetting(e.ID, id)
		}
		err := asStored(mail.Setting{UpdatedAt: body.UpdatedAt}, s, ok)
		s.Labels = *body.Labels
		return s, "setting.labels", err
	})
}

// changeBook saves the setting that change returns, records it as the action that
// change returns, and answers with it.
func (o *Office) changeBook(r *request, ent string, change func(*record.Tx, mail.Book) (mail.Setting, string, error)) error {
	var saved mail.Setting
	var changed bool
	err := o.DB.Update(r.Context(), func(tx *record.Tx) error {
		book, found, err := bookOf(tx, ent)
		if err != nil {
			return err
		}
		s, action, err := change(tx, book)
		if err != nil {
			return err
		}
		var next mail.Book
		if next, saved, err = book.With(s, o.Now().UTC()); err != nil {
			return err
		}
		if changed = next.Revision != book.Revision; !changed {
			return nil
		}
		detail := fmt.Sprintf("version %d, %s, for %s", saved.Version, saved.SignIn, labelsOf(saved))
		return putBook(tx, found, next, o.note(r, ent, action, "setting:"+saved.ID, detail))
	})
	if err != nil {
		return err
	}
	v := viewSetting(saved)
	v.Changed = &changed
	return answer(r, v)
}

func labelsOf(s mail.Setting) string {
	if len(s.Labels) == 0 {
		return "no label"
	}
	return strings.Join(s.Labels, ", ")
}

func bookOf(tx *record.Tx, ent string) (mail.Book, enterprise.Enterprise, error) {
	found, err := tx.Enterprise(ent)
	if err != nil {
		return mail.Book{}, found, err
	}
	book, err := tx.MailBook(ent)
	return book, found, err
}

// putBook stores the book, and in the enterprise that there is something in it, so
// that check-ins look.
func putBook(tx *record.Tx, e enterprise.Enterprise, book mail.Book, rec audit.Record) error {
	e.MailRevision = book.Revision
	if len(book.Settings) == 0 {
		e.MailRevision = 0
	}
	if err := tx.PutMailBook(book); err != nil {
		return err
	}
	if err := tx.PutEnterprise(e); err != nil {
		return err
	}
	return tx.Audit(rec)
}

// removeSetting removes a setting. Devices that have it withdraw it when they next
// check in.
func (o *Office) removeSetting(r *request) error {
	id, err := r.id("mail setting")
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		book, found, err := bookOf(tx, e.ID)
		if err != nil {
			return err
		}
		s, _ := book.Setting(id)
		next, ok := book.Without(id)
		if !ok {
			return noSetting(e.ID, id)
		}
		return putBook(tx, found, next, o.note(r, e.ID, "setting.remove", "setting:"+id, fmt.Sprintf("version %d", s.Version)))
	})
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}
