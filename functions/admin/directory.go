package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// maxDirectory bounds the body of a configuration: rules and certificates take room.
const maxDirectory = 256 << 10

// directoryBody is a configuration as an admin sends it: what GET answers, changed.
// Its rules are checked once the enterprise is known.
type directoryBody directory.Config

// notConfigured says what to do where an enterprise has no directory.
func notConfigured(enterprise string) error {
	return fault.New(fault.NotFound, "directory-not-configured",
		"the enterprise %q has no directory yet; rollcall directory configure --help says how to give it one", enterprise)
}

// directory returns the configuration of the enterprise that the path names.
func (o *Office) directory(r *request) (directory.Config, error) {
	e, err := o.enterprise(r)
	if err != nil {
		return directory.Config{}, err
	}
	c, err := o.DB.Directory(r.Context(), e.ID)
	if fault.KindOf(err) == fault.NotFound {
		err = notConfigured(e.ID)
	}
	return c, err
}

func (o *Office) showDirectory(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	c, err := o.directory(r)
	if err != nil {
		return err
	}
	return answer(r, c)
}

// setDirectory stores a configuration whole. With the member revision it is refused
// if the stored one is another by now. What changes nothing is not stored, for a
// change ends the run under way.
func (o *Office) setDirectory(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	raw, err := api.ReadJSON(r.w, r.Request, maxDirectory)
	if err != nil {
		return err
	}
	var body directoryBody
	if err := api.Decode(raw, &body); err != nil {
		return err
	}
	c := directory.Config(body)
	if c.Enterprise != "" && c.Enterprise != e.ID {
		return fault.Field("enterprise", "the path names the enterprise %q; leave this member out, or give the same", e.ID)
	}
	c.Enterprise = e.ID
	if err := c.Validate(); err != nil {
		return err
	}
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		state, err := tx.DirectoryState(e.ID)
		if err != nil {
			return err
		}
		old, err := tx.Directory(e.ID)
		isNew := fault.KindOf(err) == fault.NotFound
		switch {
		case (isNew || err == nil) && state.Primary() != "" && state.Primary() != body.Mode.Primary():
			return fault.New(fault.Conflict, "directory-source",
				"the %d people of this enterprise are known by their ids in %s; from %s everybody would come as somebody else, without devices; keep a mode that takes people from %s, or use another enterprise",
				state.People, sourceName(state.Primary()), sourceName(body.Mode.Primary()), sourceName(state.Primary()))
		case isNew && body.Revision != 0:
			return fault.New(fault.Conflict, "directory-changed",
				"the configuration of the revision %d was removed; leave the member revision out to make it anew", body.Revision)
		case isNew:
			if old.Revision, err = lastRevision(tx, state); err != nil {
				return err
			}
		case err != nil:
			return err
		case body.Revision != 0 && body.Revision != old.Revision:
			return fault.New(fault.Conflict, "directory-changed",
				"the configuration was changed by %s and has the revision %d by now, not %d; read it again, or leave the member revision out to replace it",
				old.UpdatedBy, old.Revision, body.Revision)
		}
		next := directory.Config(body)
		next.Enterprise, next.Revision, next.UpdatedAt, next.UpdatedBy = e.ID, old.Revision, old.UpdatedAt, old.UpdatedBy
		if !isNew && same(next, old) {
			c = old
			return nil
		}
		next.Revision, next.UpdatedAt, next.UpdatedBy = old.Revision+1, o.Now().UTC(), r.actor
		c = next
		if err := tx.PutDirectory(next); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "directory.configure", "enterprise:"+e.ID, fmt.Sprintf("%s, revision %d", next.Mode, next.Revision)))
	})
	if err != nil {
		return err
	}
	return answer(r, c)
}

func sourceName(s directory.Source) string {
	if s == directory.FromGoogle {
		return "Google's directory"
	}
	return "LDAP"
}

// lastRevision returns the highest revision that a run knows, so that a
// configuration made anew is not taken for one that was deleted.
func lastRevision(tx *record.Tx, s directory.State) (int, error) {
	if s.Run == "" {
		return s.Revision, nil
	}
	run, err := tx.Run(s.Run)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return 0, err
	}
	return max(s.Revision, run.Revision), nil
}

func same[T any](a, b T) bool {
	x, err := json.Marshal(a)
	y, yerr := json.Marshal(b)
	return err == nil && yerr == nil && bytes.Equal(x, y)
}

// removeDirectory forgets the configuration and its password. People, devices and
// accounts stay as they are, and no run starts any more. The Google credential, which
// serves mail as well, is removed by itself.
func (o *Office) removeDirectory(r *request) error {
	c, err := o.directory(r)
	if err != nil {
		return err
	}
	rec := o.note(r, c.Enterprise, "directory.remove", "enterprise:"+c.Enterprise, fmt.Sprintf("%s, revision %d", c.Mode, c.Revision))
	err = o.recorded(r.Context(), rec, func() error {
		// The secret first: what fails here is done again with the configuration.
		if err := o.Secrets.Delete(r.Context(), directory.BindSecret(c.Enterprise)); err != nil {
			return err
		}
		return o.DB.Update(r.Context(), func(tx *record.Tx) error { return tx.DeleteDirectory(c.Enterprise) })
	})
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}
