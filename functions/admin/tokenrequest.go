package admin

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// tokenRequest asks for an enrollment token.
type tokenRequest struct {
	Person      string       `json:"person"`
	Uses        *int         `json:"uses"`
	LifeSeconds *int64       `json:"lifeSeconds"`
	AccountType account.Type `json:"accountType"`
	Labels      []string     `json:"labels"`
	Note        string       `json:"note"`
	QR          *qrRequest   `json:"qr"`
}

const defaultLife = 24 * time.Hour

// token returns the token that is asked for, without its id.
func (q tokenRequest) token(e enterprise.Enterprise, by string, now time.Time) (enrollment.Token, error) {
	if q.Uses == nil {
		// Any number is a choice, not what a forgotten member means.
		return enrollment.Token{}, fault.Field("uses", "give 1 to 100000 uses, or 0 for any number")
	}
	life := defaultLife
	if q.LifeSeconds != nil {
		if n := *q.LifeSeconds; n < 1 || n > int64(enrollment.MaxLife/time.Second) {
			return enrollment.Token{}, fault.Field("lifeSeconds", "give 1 to %d seconds (365 days)", enrollment.MaxLife/time.Second)
		}
		life = time.Duration(*q.LifeSeconds) * time.Second
	}
	t := enrollment.Token{
		Enterprise: e.ID, Person: q.Person, Uses: *q.Uses, AccountType: q.AccountType, Labels: q.Labels,
		Note: q.Note, CreatedAt: now, CreatedBy: by, ExpiresAt: now.Add(life),
	}
	return t, t.Validate(now)
}
