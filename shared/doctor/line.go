// Package doctor says what an enterprise needs at Google, and how what is found there
// is told (invariant K2): in lines, each with what was looked at, what is wrong, and
// what to do where. It compares what Google's administrators have set with the
// enterprise's password policy and mail settings, for the two have to match. All of
// it is pure; package doctor/examine looks.
package doctor

import "time"

// Status is how a check ended.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Warn Status = "warn" // it works; look at it
	Fail Status = "fail" // it does not work
	// Skip: it was not looked at, because nothing needs it or because something that
	// it depends on failed.
	Skip Status = "skip"
)

// Line is one thing that was looked at. No text in it is a secret, or a server's.
type Line struct {
	// Group is under which heading the line stands.
	Group Group `json:"group"`
	// Check is a stable word for what was looked at, such as "clock"; the checks of
	// scopes are "scope:" and the scope.
	Check  string `json:"check"`
	Status Status `json:"status"`
	// What says what was found.
	What string `json:"what"`
	// Advice says what to do, and Where in which console or with which command.
	Advice string `json:"advice,omitempty"`
	Where  string `json:"where,omitempty"`
	// Reason is the stable word of the failure behind it, if it has one.
	Reason string `json:"reason,omitempty"`
}

// Group is a heading.
type Group string

// The groups, in order.
const (
	Service    Group = "Rollcall itself"
	Credential Group = "Credential"
	Delegation Group = "Delegation"
	Google     Group = "Google's directory"
	Play       Group = "Managed Google Play"
	LDAP       Group = "LDAP"
	Mail       Group = "Mail"
	Settings   Group = "Google's own settings"
)

// Report is an examination.
type Report struct {
	Enterprise string    `json:"enterprise"`
	At         time.Time `json:"at"`
	// Worst is the worst status of the lines.
	Worst Status `json:"worst"`
	// Lines are in order of their groups.
	Lines []Line `json:"lines"`
}

// Worst returns the worst status: fail, then warn, then pass. Of skipped lines alone it
// is skip, as it is of none.
func Worst(lines []Line) Status {
	worst := Skip
	for _, l := range lines {
		if rank[l.Status] > rank[worst] {
			worst = l.Status
		}
	}
	return worst
}

var rank = map[Status]int{Skip: 0, Pass: 1, Warn: 2, Fail: 3}
