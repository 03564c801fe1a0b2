package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// summary is what the run came to; --report writes it as JSON.
type summary struct {
	Enterprise string `json:"enterprise"`
	Store      string `json:"store"`
	Bus        string `json:"bus"`
	Faults     bool   `json:"faults"`

	Directory lists     `json:"directory"`
	Turnover  *turnover `json:"turnover,omitempty"`
	Unchanged unchanged `json:"unchanged"`
	// HeldBack is what Rollcall said when the directory listed nobody.
	HeldBack string   `json:"heldBack,omitempty"`
	Mail     *mailing `json:"mail"`
	// MailTokens is nil where no Google accounts are known.
	MailTokens *delegation `json:"mailTokens,omitempty"`

	People    int `json:"people"`
	Devices   int `json:"devices"`
	Converged int `json:"converged"`
	// SignedIn is how many devices enrolled with a password of the directory.
	SignedIn int `json:"signedIn"`

	// UserAccounts and DeviceAccounts are the rows that are active; GoogleAccounts
	// is how many the simulated Google Play has.
	UserAccounts   int `json:"userAccounts"`
	DeviceAccounts int `json:"deviceAccounts"`
	GoogleAccounts int `json:"googleAccounts"`

	// Tokens counts mints by what became of them, as the ledgers say.
	Tokens map[string]int `json:"tokens"`
	// Refusals counts what the functions refused, by reason.
	Refusals map[string]int `json:"refusals"`
	// GoogleRetries is how often a call to Google was tried again, AgentRetries
	// how often an agent's request was.
	GoogleRetries int64 `json:"googleRetries"`
	AgentRetries  int64 `json:"agentRetries"`
	SignInsLost   int   `json:"signInsLost"`

	ConvergeSeconds float64 `json:"convergeSeconds"`
	Steady          steady  `json:"steady"`

	Problems []string `json:"problems"`
}

// lists is what the first reading of the directory came to.
type lists struct {
	Mode    directory.Mode `json:"mode"`
	Source  string         `json:"source"`
	Listed  int            `json:"listed"`
	Linked  int            `json:"linked"`
	Created int            `json:"created"`
	// GooglePages is how many calls to Google listed the accounts.
	GooglePages int     `json:"googlePages"`
	Problems    int     `json:"problems"`
	Seconds     float64 `json:"seconds"`
}

// unchanged is a reading of the directory in which nothing had changed.
type unchanged struct {
	Listed      int                      `json:"listed"`
	Planned     map[directory.Action]int `json:"planned,omitempty"`
	GooglePages int                      `json:"googlePages"`
	Seconds     float64                  `json:"seconds"`
}

// steady is the figures of check-ins in which nothing changed.
type steady struct {
	CheckIns  int64   `json:"checkIns"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"perSecond"`
	// P50Micros and P99Micros are latencies that agents saw, in microseconds.
	P50Micros int64 `json:"p50Micros"`
	P99Micros int64 `json:"p99Micros"`
	// Reads and Writes are store operations per check-in.
	Reads  float64 `json:"storeReads"`
	Writes float64 `json:"storeWrites"`
}

// collect counts accounts and tokens in the rows, and accounts at Google.
func (s *summary) collect(ctx context.Context, st *stack.Stack, ent enterprise) error {
	db, err := st.Process.DB(ctx)
	if err != nil {
		return err
	}
	s.Tokens = map[string]int{}
	var page record.Page
	for {
		rows, next, err := db.Accounts(ctx, ent.id, page)
		if err != nil {
			return err
		}
		for _, a := range rows {
			for _, b := range a.Bindings {
				for _, m := range b.Tokens {
					s.Tokens[string(m.State)]++
				}
			}
			switch {
			case a.State != account.Active:
			case a.Type == account.UserAccount:
				s.UserAccounts++
			default:
				s.DeviceAccounts++
			}
		}
		if next == "" {
			break
		}
		page.Next = next
	}
	s.GoogleAccounts = st.Play.UserCount(ent.play)
	return nil
}

// check notes what is not as it must be.
func (s *summary) check() {
	s.Problems = []string{} // in JSON [] and not null
	note := func(bad bool, format string, args ...any) {
		if bad {
			s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
		}
	}
	note(s.Converged != s.Devices, "%d of %d devices did not converge", s.Devices-s.Converged, s.Devices)
	rows := s.UserAccounts + s.DeviceAccounts
	note(rows != s.GoogleAccounts, "Rollcall has %d accounts and Google Play %d", rows, s.GoogleAccounts)
	note(s.Tokens["outstanding"] > 0, "%d tokens are still outstanding", s.Tokens["outstanding"])
	if t := s.Turnover; t != nil {
		note(t.StillHolding > 0, "%d devices of people who left or were locked still hold an account", t.StillHolding)
		note(t.Returned > 0 && t.AddedAgain == 0, "nobody's account came back")
	}
	if m := s.Mail; m != nil && s.Directory.Mode.UsesGoogle() {
		note(m.Accepted == 0, "Google accepted no password")
		note(m.Wrong > 0, "%d devices hold another password than Google has", m.Wrong)
		note(m.Holding == 0, "no device holds a password")
		note(m.GaveUp != "" && !m.Renewed, "a password that was given up could not be renewed")
		note(m.Rotated == 0, "no password was replaced when its day was over")
	}
	if d := s.MailTokens; d != nil && !s.Faults {
		note(d.Refused[mailclient.ReasonNotAllowed] != 1, "a mailbox of another organisation was not refused")
		note(d.Tokens != d.Mailboxes-2, "%d of %d mailboxes have a token", d.Tokens, d.Mailboxes-2)
		note(d.AgainCalls > 0, "tokens that are kept cost %d calls to Google", d.AgainCalls)
	}
	note(len(s.Unchanged.Planned) > 0, "nothing changed in the directory, and yet a run planned %v", s.Unchanged.Planned)
}

func (s *summary) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("people", "%d of %s", s.People, s.Directory)
	row("devices", "%d of %d have their account, in %.1f s; %d enrolled with a password of the directory, the others with a token",
		s.Converged, s.Devices, s.ConvergeSeconds, s.SignedIn)
	row("accounts", "%d user + %d device = %d; Google Play has %d",
		s.UserAccounts, s.DeviceAccounts, s.UserAccounts+s.DeviceAccounts, s.GoogleAccounts)
	row("tokens", "%s", counts(s.Tokens))
	row("sign-ins lost", "%d, and added again", s.SignInsLost)
	if t := s.Turnover; t != nil && t.Left > 0 {
		row("turnover", "%d left and %d was locked, and the accounts went from %d devices; %d returned, and %d got the account again",
			t.Left, t.Locked, t.Withdrawn, t.Returned, t.AddedAgain)
	}
	row("no change", "%d people read again in %.2f s; calls to list Google's accounts: %d", s.Unchanged.Listed, s.Unchanged.Seconds, s.Unchanged.GooglePages)
	if s.HeldBack != "" {
		row("held back", "%s: nobody lost anything, and an admin rejected the run", s.HeldBack)
	}
	if m := s.Mail; m != nil {
		row("mail settings", "%d, applied %d times on devices", m.Settings, m.Applied)
		m.print(row)
	}
	if d := s.MailTokens; d != nil {
		row("mail tokens", "%d of %d mailboxes in %d ms, %d calls to Google; again in %d ms, %d calls; refused: %s",
			d.Tokens, d.Mailboxes, d.Millis, d.Calls, d.AgainMillis, d.AgainCalls, counts(d.Refused))
	}
	row("refusals", "%s", counts(s.Refusals))
	row("retries", "%d of calls to Google, %d of agents", s.GoogleRetries, s.AgentRetries)
	row("check-ins", "%d in %.1f s, %.0f per second (agents, functions and store on this machine)",
		s.Steady.CheckIns, s.Steady.Seconds, s.Steady.PerSecond)
	row("latency", "p50 %v, p99 %v", time.Duration(s.Steady.P50Micros)*time.Microsecond, time.Duration(s.Steady.P99Micros)*time.Microsecond)
	row("store", "%.2f reads and %.2f writes per steady check-in (%s)", s.Steady.Reads, s.Steady.Writes, s.Store)
	_ = t.Flush()
	for _, p := range s.Problems {
		fmt.Fprintf(w, "  PROBLEM: %s\n", p)
	}
}

// print tells what became of passwords, where there are any.
func (m *mailing) print(row func(name, format string, args ...any)) {
	if m.Accepted+m.Unknown > 0 {
		row("passwords", "%d accepted by Google, and on %d devices; %d of people whom Google does not know", m.Accepted, m.Holding, m.Unknown)
		row("given up", "one after %d attempts (%s); renewed by an admin: %t", m.Attempts, m.GaveUp, m.Renewed)
		row("rotation", "%d replaced after a day", m.Rotated)
	}
	for _, w := range m.Warnings {
		row("warning", "%s", w)
	}
}

// String tells a person where the people come from.
func (l lists) String() string {
	text := fmt.Sprintf("%s (%s), read in %.1f s", l.Source, l.Mode, l.Seconds)
	if l.Linked > 0 {
		text += fmt.Sprintf("; %d have a Google account", l.Linked)
	}
	if l.Created > 0 {
		text += fmt.Sprintf("; %d Google accounts were made", l.Created)
	}
	if l.Problems > 0 {
		text += fmt.Sprintf("; %d problems", l.Problems)
	}
	return text
}

func counts(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if m[keys[i]] != m[keys[j]] {
			return m[keys[i]] > m[keys[j]]
		}
		return keys[i] < keys[j]
	})
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = fmt.Sprintf("%d %s", m[k], k)
	}
	return strings.Join(parts, ", ")
}

func (s *summary) write(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fault.Wrap(err, fault.Invalid, "report", "cannot write the report to %s", path)
	}
	return nil
}
