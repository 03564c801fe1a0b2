package directory

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// Kind is what a run is for.
type Kind string

// The kinds of run.
const (
	Sync Kind = "sync"
	// DryRun is a Sync that ends before anything is applied (invariant D6).
	DryRun Kind = "plan"
	// Probe tries the connections and reads a few people.
	Probe Kind = "test"
)

// Phase is how far a run is.
type Phase string

// The phases, in order, and the ends. Each can be left and taken up again by
// another process.
const (
	Planned     Phase = "planned"
	Collecting  Phase = "collecting"
	Comparing   Phase = "comparing"
	Confirming  Phase = "confirming"
	Quarantined Phase = "quarantined" // waits for an admin
	Applying    Phase = "applying"
	Finishing   Phase = "finishing"

	Done       Phase = "done"
	Failed     Phase = "failed"     // Reason says why; nothing of the rest was applied
	Rejected   Phase = "rejected"   // by an admin
	Superseded Phase = "superseded" // a later run took its place
)

// Ended reports whether the run is over.
func (p Phase) Ended() bool {
	switch p {
	case Done, Failed, Rejected, Superseded:
		return true
	}
	return false
}

// Run is one run over one enterprise's directory.
type Run struct {
	ID         string `json:"id"`
	Enterprise string `json:"enterprise"`
	Kind       Kind   `json:"kind"`
	Phase      Phase  `json:"phase"`
	// Full: everything is read, although changes alone could be.
	Full bool `json:"full,omitzero"`
	// Incremental: LDAP told its changes alone.
	Incremental bool `json:"incremental,omitzero"`
	// SkipGoogle: Google tells its changes by itself and was walked not long ago.
	SkipGoogle  bool      `json:"skipGoogle,omitzero"`
	RequestedBy string    `json:"requestedBy"`
	StartedAt   time.Time `json:"startedAt"`
	EndedAt     time.Time `json:"endedAt,omitzero"`
	// Revision is the configuration's.
	Revision int `json:"revision"`
	// Pages is how many pages were collected of each source that is complete.
	Pages map[Source]int `json:"pages,omitempty"`
	// Cursor is where LDAP's changes go on after this run.
	Cursor string `json:"cursor,omitempty"`
	// Incomplete is the reason for which what was collected is less than all, so
	// that nobody's absence means anything; empty is complete.
	Incomplete string `json:"incomplete,omitempty"`
	// Parts is how many parts the plan has; Confirmed and Applied how many of them
	// are through.
	Parts     int `json:"parts,omitzero"`
	Confirmed int `json:"confirmed,omitzero"`
	Applied   int `json:"applied,omitzero"`

	Counts   Counts    `json:"counts"`
	Breaches []Breach  `json:"breaches,omitempty"`
	Decision *Decision `json:"decision,omitempty"`
	// Reason is the word for which the run failed or waits, Advice what to do.
	Reason string `json:"reason,omitempty"`
	Advice string `json:"advice,omitempty"`
	// Problems are the first 100 things that were not as they should be.
	Problems []Problem `json:"problems,omitempty"`
	// Sample are a few people that a Probe read, and Findings what it found, each a
	// sentence behind Pass, Warn or Fail.
	Sample   []person.Entry `json:"sample,omitempty"`
	Findings []string       `json:"findings,omitempty"`
	// Slices counts how often the run was taken up.
	Slices int `json:"slices,omitzero"`
}

// What a finding begins with: all is well, look at it, it does not work.
const (
	Pass = "pass: "
	Warn = "warn: "
	Fail = "fail: "
)

// MaxProblems is how many problems a run keeps.
const MaxProblems = 100

// Note adds a problem, counted always and kept up to MaxProblems.
func (r *Run) Note(ps ...Problem) {
	for _, p := range ps {
		r.Counts.Problems++
		if len(r.Problems) < MaxProblems {
			r.Problems = append(r.Problems, p)
		}
	}
}

// Decision is what an admin said of a quarantined run.
type Decision struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
	// AdditionsOnly: nobody loses anything; all else is applied.
	AdditionsOnly bool `json:"additionsOnly,omitzero"`
}

// Problem is one entry that could not be used as it is (invariant D8).
type Problem struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason"`
}

// Counts are the figures of a run.
type Counts struct {
	// Listed and Before are the people of this run and of the last.
	Listed int `json:"listed"`
	Before int `json:"before"`
	// GoogleListed and GoogleBefore are the Google accounts beside LDAP.
	GoogleListed int `json:"googleListed,omitzero"`
	GoogleBefore int `json:"googleBefore,omitzero"`
	// By action, as planned.
	Planned map[Action]int `json:"planned,omitempty"`
	// By action, as done.
	Done map[Action]int `json:"done,omitempty"`
	// Withdraws and Deletes are what the guard counts: people who would lose their
	// access, and Google accounts that would be deleted.
	Withdraws int `json:"withdraws,omitzero"`
	Deletes   int `json:"deletes,omitzero"`
	Absent    int `json:"absent,omitzero"` // people who were not listed
	// GoogleAbsent are Google accounts, known before, that were not listed.
	GoogleAbsent int `json:"googleAbsent,omitzero"`
	Excluded     int `json:"excluded,omitzero"`
	Problems     int `json:"problems,omitzero"`
	Failed       int `json:"failed,omitzero"`   // items that could not be applied
	Withheld     int `json:"withheld,omitzero"` // removals that were not let through
	Kept         int `json:"kept,omitzero"`     // people at whom the next run looks again
	// LDAPPages and GooglePages are what was read.
	LDAPPages   int `json:"ldapPages,omitzero"`
	GooglePages int `json:"googlePages,omitzero"`
}

// State is what an enterprise's runs share: one row, so that there is one run at a
// time.
type State struct {
	Enterprise string `json:"enterprise"`
	// Run is the current run, empty for none.
	Run string `json:"run,omitempty"`
	// Fence grows whenever a process takes the run up; what an earlier one still
	// writes is refused.
	Fence int `json:"fence"`
	// Beat is the last sign of life of the process that has the run.
	Beat time.Time `json:"beat,omitzero"`
	// LastRun and LastDone are the last run of kind Sync that ended well.
	LastRun  string    `json:"lastRun,omitempty"`
	LastDone time.Time `json:"lastDone,omitzero"`
	// LastTried is when the last run of kind Sync ended, however it ended.
	LastTried time.Time `json:"lastTried,omitzero"`
	// LastFull is when a whole walk of everything last ended well.
	LastFull time.Time `json:"lastFull,omitzero"`
	// Cursor is where LDAP's changes go on.
	Cursor string `json:"cursor,omitempty"`
	// Manifests are the ids of the buckets of each source, in order.
	Manifests map[Source][]string `json:"manifests,omitempty"`
	// Garbage are ids of buckets that nothing names any more.
	Garbage []string `json:"garbage,omitempty"`
	People  int      `json:"people,omitzero"`
	Google  int      `json:"google,omitzero"`
	// Revision is the configuration's at LastDone.
	Revision int `json:"revision,omitzero"`
	// Hints limits what single notifications may withdraw; see Config.HintAllowed.
	Hints Hints `json:"hints,omitzero"`
	// Stirred are the Google users whom notifications changed since Google was last
	// listed.
	Stirred []Stir `json:"stirred,omitempty"`
	// WatchReason is the word for which Google does not tell of changes at once
	// although it should, and WatchAdvice says what to do; empty when all is well.
	WatchReason string `json:"watchReason,omitempty"`
	WatchAdvice string `json:"watchAdvice,omitempty"`
}

// Primary returns the source that the known people come from, empty where there are
// none. Its ids are what people are known by, so that another source would make
// everybody somebody else.
func (s State) Primary() Source {
	switch {
	case s.People == 0:
		return ""
	case len(s.Manifests[FromLDAP]) > 0:
		return FromLDAP
	case len(s.Manifests[FromGoogle]) > 0:
		return FromGoogle
	}
	return ""
}

// Hints counts the people withdrawn by notifications on one day (UTC).
type Hints struct {
	Day       string `json:"day,omitempty"`
	Withdrawn int    `json:"withdrawn,omitzero"`
}

// Page is one page of what a run collected, written as a checkpoint.
type Page struct {
	Run    string `json:"run"`
	Source Source `json:"source"`
	Number int    `json:"number"`
	// Next is Google's token of the page after this one, empty after the last.
	Next string `json:"next,omitempty"`
	Last bool   `json:"last,omitzero"`
	// Rows are packed; see Pack.
	Rows []byte `json:"rows,omitempty"`
	// Entries and Google are the records that differ from the last run, in full.
	Entries []person.Entry  `json:"entries,omitempty"`
	Google  []person.Google `json:"google,omitempty"`
	// Removed are ids that LDAP's change feed says are gone.
	Removed      []string  `json:"removed,omitempty"`
	Problems     []Problem `json:"problems,omitempty"`
	Unidentified int       `json:"unidentified,omitzero"`
	Excluded     int       `json:"excluded,omitzero"`
	// At is when the page was asked for.
	At time.Time `json:"at"`
}

// Part is one part of a run's plan.
type Part struct {
	Run    string `json:"run"`
	Number int    `json:"number"`
	Items  []Item `json:"items"`
	// At is when the part was planned.
	At time.Time `json:"at"`
}

// PartItems is how many items a part has at most.
const PartItems = 100

// Item is what a run does about one person.
type Item struct {
	// Key is the person's.
	Key  string `json:"key"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Mail string `json:"mail,omitempty"`
	// Facts are what was found.
	Facts Facts `json:"facts"`
	// Steps are what follows, as far as it could be told beforehand.
	Steps []Step `json:"steps,omitempty"`
	// Outcome is empty until the item was applied.
	Outcome Outcome `json:"outcome,omitempty"`
	// Reason is the word for an Outcome other than Applied.
	Reason string `json:"reason,omitempty"`
}

// Outcome is what became of an item.
type Outcome string

// The outcomes. After Kept and Unsuccessful the next run looks at the person
// again.
const (
	Applied      Outcome = "applied"
	Kept         Outcome = "kept"      // absence that nothing confirmed, or a removal that was not let through
	Unsuccessful Outcome = "failed"    // for Reason
	Overtaken    Outcome = "overtaken" // something newer was known
)
