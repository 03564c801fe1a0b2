package password

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Google takes passwords of 8 to 100 characters of printable ASCII (Directory API,
// users: password).
const (
	MinLength = 8
	MaxLength = 100
)

const (
	maxRotateDays    = 365
	maxAttempts      = 20
	maxDeferralHours = 30 * 24
)

// Policy says what the passwords of an enterprise must be like (invariant W5). A
// zero field means its default; see WithDefaults.
type Policy struct {
	Enterprise string `json:"enterprise"`
	// Revision counts the changes of the policy, from 1.
	Revision int `json:"revision"`
	// Length is how many characters a new password has, 8 to 100; default 16. It
	// must be no less than what Google's own policy of the domain asks for.
	Length int `json:"length,omitzero"`
	// RotateDays is after how many days a password is replaced, 1 to 365, give or
	// take a tenth; 0, the default, is never.
	RotateDays int `json:"rotateDays,omitzero"`
	// MaxAttempts is how often one password is offered to Google before the admin
	// is asked, 1 to 20; default 5. Deferrals do not count.
	MaxAttempts int `json:"maxAttempts,omitzero"`
	// DeferralHours is how long Google may be out of reach, or out of quota,
	// before a person's password is given up, 1 to 720; default 72.
	DeferralHours int `json:"deferralHours,omitzero"`
	// RotateOnLoss replaces a person's password when a device of theirs is
	// reported lost, or their last device is removed.
	RotateOnLoss bool `json:"rotateOnLoss,omitzero"`
	// UpdatedAt is when the policy was last changed, and UpdatedBy who did, as the
	// audit trail names them.
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
	UpdatedBy string    `json:"updatedBy,omitempty"`
	// ReplanAt is when the workflow that brings the passwords in line with the policy
	// is started once more, unless it has ended by then; zero is that it has.
	ReplanAt time.Time `json:"replanAt,omitzero"`
}

// ReplanTime is how long that workflow is given before it is started once more.
const ReplanTime = time.Hour

// Changed returns p as the policy after old: with the following revision, and to be
// brought in line. Otherwise p is what an admin wants.
func (p Policy) Changed(old Policy, now time.Time, by string) Policy {
	p.Revision, p.UpdatedAt, p.UpdatedBy = old.Revision+1, now, by
	p.ReplanAt = now.Add(ReplanTime)
	return p
}

// Overdue reports whether the workflow is to be started once more, and returns the
// policy as it is to be stored before that.
func (p Policy) Overdue(now time.Time) (Policy, bool) {
	if p.ReplanAt.IsZero() || now.Before(p.ReplanAt) {
		return p, false
	}
	p.ReplanAt = now.Add(ReplanTime)
	return p, true
}

// WithDefaults returns p with each zero field at its default.
func (p Policy) WithDefaults() Policy {
	if p.Length == 0 {
		p.Length = 16
	}
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 5
	}
	if p.DeferralHours == 0 {
		p.DeferralHours = 72
	}
	return p
}

// Validate returns fault.Invalid naming the first field that is wrong.
func (p Policy) Validate() error {
	for _, f := range []struct {
		path             string
		have, low, until int
		unit             string
	}{
		{"length", p.Length, MinLength, MaxLength, "characters"},
		{"rotateDays", p.RotateDays, 1, maxRotateDays, "days"},
		{"maxAttempts", p.MaxAttempts, 1, maxAttempts, "attempts"},
		{"deferralHours", p.DeferralHours, 1, maxDeferralHours, "hours"},
	} {
		if f.have != 0 && (f.have < f.low || f.have > f.until) {
			return fault.Field(f.path, "give %d to %d %s, or 0 for the default", f.low, f.until, f.unit)
		}
	}
	return nil
}

// DeferralBudget is DeferralHours as a duration.
func (p Policy) DeferralBudget() time.Duration {
	return time.Duration(p.WithDefaults().DeferralHours) * time.Hour
}

// Rotation is RotateDays as a duration; 0 is never.
func (p Policy) Rotation() time.Duration { return time.Duration(p.RotateDays) * 24 * time.Hour }

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// unit keeps a jitter that is out of its range from moving a date far off.
func unit(jitter float64) float64 {
	if !(jitter > 0) {
		return 0
	}
	return min(jitter, 1)
}
