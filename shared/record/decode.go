package record

import (
	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// reasonDamaged is the word for a stored record that cannot be read.
const reasonDamaged = "record-damaged"

func decode[T any](doc store.Document, err error) (T, error) {
	var v T
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = fault.Wrap(err, fault.NotFound, "not-found", "there is no %s %q", singular(doc.Key.Kind), doc.Key.ID)
		}
		return v, err
	}
	if err := json.Unmarshal(doc.Body, &v); err != nil {
		return v, fault.Wrap(err, fault.Permanent, reasonDamaged,
			"the stored %s %q cannot be read; restore it from a backup", singular(doc.Key.Kind), doc.Key.ID)
	}
	return v, nil
}

func singular(k store.Kind) string {
	switch k {
	case Enterprises:
		return "enterprise"
	case Tokens:
		return "enrollment token"
	case Uses:
		return "enrollment use"
	case Devices:
		return "device"
	case Accounts:
		return "account"
	case People:
		return "person"
	case Directories:
		return "directory configuration of enterprise"
	case DirectoryRuns:
		return "directory run"
	case DirectoryChannels:
		return "notification channel"
	case Passwords:
		return "password of person"
	case PasswordPolicies:
		return "password policy of enterprise"
	case MailClients:
		return "mail client"
	case MailBooks:
		return "mail settings of enterprise"
	}
	return string(k) + " record"
}
