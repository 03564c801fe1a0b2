package examine

import (
	"context"
	"strconv"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
)

// maxDead is how many dead letters are counted.
const maxDead = 100

// bus asks what lies in the dead letters, which tells without a publication whether
// the bus is there.
func (p *patient) bus(ctx context.Context, c check) []doctor.Line {
	dead, err := p.DeadLetters.List(ctx, maxDead)
	switch n := len(dead); {
	case err != nil:
		return one(p.because(ctx, advise(c.line(doctor.Fail, "The event bus does not answer, so no workflow, sync or password push is started."), doctor.AtMachine,
			"Look whether the topics exist and whether the function admin may read the dead letters."), err))
	case n > 0:
		many := "One event was given up"
		if n > 1 {
			many = number(n, maxDead) + " events were given up"
		}
		return one(advise(c.line(doctor.Warn, "The event bus answers. %s after the last attempt, of all enterprises together.", many), "rollcall dead-letter list",
			"Look why, mend it, and replay them."))
	}
	return one(c.line(doctor.Pass, "The event bus answers, and no event was given up."))
}

// passwordKey asks for the keys that seal passwords.
func (p *patient) passwordKey(ctx context.Context, c check) []doctor.Line {
	keys, err := keyring.Keys(ctx, p.Secrets, keyring.SecretName)
	switch {
	case err != nil:
		return one(p.because(ctx, advise(c.line(doctor.Fail, "The keys that seal stored passwords cannot be read."), "infra/README.md",
			"Look whether the secret "+keyring.SecretName+" is whole and whether the function admin may read it. What older keys sealed needs them: do not make a new key set in its place."), err))
	case len(keys) > 0:
		return one(c.line(doctor.Pass, "The keys that seal stored passwords are there."))
	}
	lost, err := p.DB.AnyPassword(ctx)
	switch {
	case err != nil:
		return one(p.because(ctx, advise(c.line(doctor.Fail, "There is no key to seal passwords with, and whether any were sealed with one cannot be told."), doctor.AtMachine, "Look at the store."), err))
	case lost:
		return one(advise(c.line(doctor.Fail, "The keys that seal stored passwords are gone, and passwords are stored that nothing else opens."), "rollcall password key --help",
			"Put the secret "+keyring.SecretName+" back, and nothing is lost."))
	case p.situation.Passwords == nil:
		return one(c.line(doctor.Skip, "There is no key to seal passwords with, and none are generated for this enterprise."))
	case p.MakesKey:
		return one(c.line(doctor.Skip, "There is no key to seal passwords with yet; it is made when the first one is generated."))
	}
	return one(advise(c.line(doctor.Fail, "There is no key to seal passwords with, so none can be generated."), "rollcall password key --rotate", "Make the key set."))
}

// number writes n, of which no more than most were counted.
func number(n, most int) string {
	if n >= most {
		return "At least " + strconv.Itoa(most)
	}
	return strconv.Itoa(n)
}
