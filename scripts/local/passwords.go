package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	// staff is the label of the devices that people have.
	staff = "staff"
	// exchangeSetting is the setting with the generated password.
	exchangeSetting, imapSetting = "exchange", "imap"
	// history is how far behind the run begins: the passwords live for a day, and are
	// then replaced, which devices learn within a quarter of an hour.
	history = day + quarter
	day     = 27 * time.Hour
	quarter = 16 * time.Minute
)

// mailing is what became of mail settings and passwords.
type mailing struct {
	// Settings were made, with Warnings; devices hold Applied copies of them.
	Settings int      `json:"settings"`
	Applied  int      `json:"applied"`
	Warnings []string `json:"warnings"`
	// Accepted passwords are Google's and Rollcall's; Unknown were given up because
	// Google has no account for the person.
	Accepted int `json:"accepted"`
	Unknown  int `json:"unknown"`
	// GaveUp is why the password of the unlucky one was given up, after Attempts, and
	// Renewed whether renewing it helped.
	GaveUp   string `json:"gaveUp"`
	Attempts int    `json:"attempts"`
	Renewed  bool   `json:"renewed"`
	// Rotated passwords were replaced when their day was over.
	Rotated int `json:"rotated"`
	// Holding devices have the password that Google has; Wrong ones another.
	Holding int `json:"holding"`
	Wrong   int `json:"wrong"`
}

// openMail makes the policy of passwords and the mail settings, as an admin does.
func (g *organisation) openMail(ctx context.Context) (*mailing, error) {
	m := &mailing{}
	imap := mail.NewIMAP()
	imap.Name, imap.Labels = "Mail by OAuth", []string{staff}
	settings := map[string]mail.Setting{imapSetting: imap}
	if g.config.Mode.UsesGoogle() {
		policy := map[string]any{"length": 16, "rotateDays": 1, "maxAttempts": 3}
		if err := g.office.put(ctx, g.enterprise("/password-policy"), policy, nil); err != nil {
			return nil, err
		}
		exchange := mail.NewExchange()
		exchange.Name, exchange.Labels, exchange.SignIn = "Mail, calendar, contacts", []string{staff}, mail.GoogleAppsPassword
		settings[exchangeSetting] = exchange
	}
	for id, s := range settings {
		body := map[string]any{"name": s.Name, "kind": s.Kind, "signIn": s.SignIn, "email": s.Email, "labels": s.Labels}
		if s.Exchange != nil {
			body["exchange"] = s.Exchange
		} else {
			body["imap"] = s.IMAP
		}
		var saved struct {
			Warnings []mail.Warning `json:"warnings"`
		}
		if err := g.office.put(ctx, g.enterprise("/settings/"+id), body, &saved); err != nil {
			return nil, err
		}
		m.Settings++
		for _, w := range saved.Warnings {
			m.Warnings = append(m.Warnings, w.Reason)
		}
	}
	slices.Sort(m.Warnings)
	return m, nil
}

func (g *organisation) enterprise(rest string) string { return "/v1/enterprises/" + g.ent + rest }

// passwordAct shows what happens to passwords: one is refused until it is given up,
// and renewed; then a day passes, and all are replaced.
func (g *organisation) passwordAct(ctx context.Context, patience time.Duration, f *fleet, m *mailing) error {
	if !g.config.Mode.UsesGoogle() {
		m.Applied = f.settings()
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := g.swept(ctx, f); err != nil {
		return err
	}
	if err := g.trouble(ctx, f, m); err != nil {
		return err
	}
	before, err := g.passwords(ctx)
	if err != nil {
		return err
	}
	f.clock.pass(f.clock.inHand() - quarter)
	if err := g.stack.SweepPasswords(ctx); err != nil {
		return err
	}
	f.clock.pass(quarter)
	if err := g.swept(ctx, f); err != nil {
		return err
	}
	after, err := g.passwords(ctx)
	if err != nil {
		return err
	}
	for key, l := range after {
		switch {
		case l.State == password.Active && l.Version > before[key].Version:
			m.Rotated++
			fallthrough
		case l.State == password.Active:
			m.Accepted++
		case l.Reason == password.ReasonUnknownPerson:
			m.Unknown++
		}
	}
	m.Applied = f.settings()
	m.Holding, m.Wrong = g.holders(f, after)
	return nil
}

// settledPasswords waits until no password is on its way to Google, after which
// devices have no reason to look for one.
func (g *organisation) settledPasswords(ctx context.Context, patience time.Duration, f *fleet) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := g.swept(ctx, f); err != nil {
		return fmt.Errorf("passwords: %w", err)
	}
	return nil
}

// swept has the sweep and the devices' check-ins go on until every password is
// accepted or given up, letting the time pass that failed attempts wait.
func (g *organisation) swept(ctx context.Context, f *fleet) error {
	return retry.Do(ctx, retry.NewConstant(20*time.Millisecond), func(ctx context.Context) error {
		if _, err := f.settle(ctx, time.Minute, func() {}); err != nil {
			return retry.RetryableError(err)
		}
		if err := g.stack.SweepPasswords(ctx); err != nil {
			return err
		}
		rows, err := g.passwords(ctx)
		if err != nil {
			return err
		}
		now, next, open := f.clock.Now(), time.Time{}, 0
		for _, l := range rows {
			due := l.Due()
			if l.State == password.Failed || l.State == password.Active && (due.IsZero() || now.Before(due)) {
				continue
			}
			if l.State == password.Pending && due.Sub(now) > time.Hour {
				continue // whose devices have just checked in and did not ask for it: they left
			}
			open++
			if next.IsZero() || due.Before(next) {
				next = due
			}
		}
		if open == 0 {
			// Once more, for devices that came while another of their person had it.
			_, err := f.settle(ctx, time.Minute, func() {})
			return err
		}
		if wait := next.Sub(now); wait > 0 {
			f.clock.pass(wait)
		}
		return retry.RetryableError(fmt.Errorf("%d passwords are neither accepted nor given up", open))
	})
}

// passwords returns every row by person.
func (g *organisation) passwords(ctx context.Context) (map[string]password.Ledger, error) {
	db, err := g.stack.Process.DB(ctx)
	if err != nil {
		return nil, err
	}
	rows := map[string]password.Ledger{}
	page := record.Page{Limit: 1000}
	for {
		ls, next, err := db.Passwords(ctx, g.ent, "", page)
		if err != nil {
			return nil, err
		}
		for _, l := range ls {
			rows[l.Person] = l
		}
		if page.Next = next; next == "" {
			return rows, nil
		}
	}
}

// holders compares what devices have with what Google has.
func (g *organisation) holders(f *fleet, rows map[string]password.Ledger) (holding, wrong int) {
	for _, p := range f.phones {
		v := p.mail.password(exchangeSetting)
		l := rows[p.owner.Key]
		switch {
		case v.Empty() || l.State != password.Active:
		case g.stack.Workspace.PasswordIs(l.Account, v):
			holding++
		default:
			wrong++
		}
	}
	return holding, wrong
}

// settings counts the settings on all devices.
func (f *fleet) settings() (n int) {
	for _, p := range f.phones {
		n += p.mail.count()
	}
	return n
}
