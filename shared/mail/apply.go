package mail

import (
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Status is where a setting stands on a device.
type Status string

// The statuses of a setting on a device.
const (
	// Sent: the device was told and has not answered.
	Sent Status = "sent"
	// Applied: the device has it.
	Applied Status = "applied"
	// Failed: the device could not apply it, with a reason.
	Failed Status = "failed"
	// Withdrawing: the device was told to remove it.
	Withdrawing Status = "withdrawing"
)

// Held is a setting on one device, as the device's row keeps it.
type Held struct {
	Setting string `json:"setting"`
	Version int    `json:"version"`
	// PasswordVersion is the generated password that it came with, 0 without one.
	PasswordVersion int `json:"passwordVersion,omitzero"`
	// Content is a digest of what was rendered; see Content.Digest.
	Content string `json:"content"`
	Status  Status `json:"status"`
	// Reason is the device's word for why it failed, at applying or at removing.
	Reason string `json:"reason,omitempty"`
	// At is when Status began.
	At time.Time `json:"at"`
}

// Change is what to do about one setting on a device.
type Change struct {
	Setting string
	Version int
	// PasswordVersion is the generated password that goes with it, 0 without one.
	PasswordVersion int
	// Content is a digest of what is to be sent, or of what is to be removed; empty
	// for Wait and Block.
	Content string
	// Do is Send, Withdraw, Wait or Block.
	Do Action
	// Reason and Text say why, for Block: one of this package's words and a sentence
	// for an admin.
	Reason, Text string
}

// Action is one of what can be done.
type Action string

// The actions.
const (
	// Send: render the setting and send it.
	Send Action = "send"
	// Withdraw: tell the device to remove it.
	Withdraw Action = "withdraw"
	// Wait: the setting needs the generated password, and Google has not accepted
	// it (invariant C5). The check-in asks for the push, see password.Ledger.Want;
	// the device keeps what it has meanwhile.
	Wait Action = "wait"
	// Block: the setting cannot be rendered for the person, with a reason; the device
	// keeps what it has.
	Block Action = "block"
)

// Save returns the setting as it is stored in the place of old, which is the zero
// value for a new one. The version goes up when devices are to get something else;
// labels and description are no such thing.
func Save(old, s Setting, now time.Time) Setting {
	s.CreatedAt, s.UpdatedAt, s.Version = old.CreatedAt, now, old.Version
	if old.Version == 0 {
		s.CreatedAt = now
	}
	s.Labels = slices.Compact(slices.Sorted(slices.Values(s.Labels)))
	if old.Version == 0 || !reflect.DeepEqual(content(old), content(s)) {
		s.Version++
	}
	return s
}

// content is what devices get of a setting.
func content(s Setting) Setting {
	s.Description, s.Labels, s.Version = "", nil, 0
	s.CreatedAt, s.UpdatedAt = time.Time{}, time.Time{}
	return s
}

// Wanted returns what a device is to have by its labels, in order of the setting's
// id: Send with the content, or Wait or Block. Usable is the version of the person's
// password that Google has accepted, 0 for none. It is a pure function.
func Wanted(settings []Setting, who Person, on Device, usable int) []Change {
	var want []Change
	for _, s := range settings {
		if s.Covers(on) {
			want = append(want, change(s, who, on, usable))
		}
	}
	slices.SortFunc(want, byID)
	return want
}

// Diff returns what brings a device from the settings it holds to what Wanted says,
// withdrawals first, each in order of the setting's id. It is a pure function: once
// what it says is done and noted in held, it says nothing, or Wait and Block.
//
// What a device is to have is told by its content, so that a changed address or
// attribute of the person reaches the device as well as a new version or password. A
// setting that the device failed to apply is not sent again until its content
// changes, or Forget is called. One that was sent without an answer is sent again.
func Diff(want []Change, held []Held) []Change {
	var withdraw, send []Change
	for _, h := range held {
		if !slices.ContainsFunc(want, func(c Change) bool { return c.Setting == h.Setting }) {
			withdraw = append(withdraw, Change{Setting: h.Setting, Version: h.Version, Content: h.Content, Do: Withdraw})
		}
	}
	for _, c := range want {
		if !has(held, c) {
			send = append(send, c)
		}
	}
	slices.SortFunc(withdraw, byID)
	return append(withdraw, send...)
}

// Changes is Diff of what is wanted.
func Changes(settings []Setting, who Person, on Device, held []Held, usable int) []Change {
	return Diff(Wanted(settings, who, on, usable), held)
}

func byID(a, b Change) int { return strings.Compare(a.Setting, b.Setting) }

// standIn takes the password's place in the plan, where only size and digest matter:
// the digest leaves it out, and none is longer in JSON.
var standIn = secret.New(strings.Repeat("<", 100))

// change returns what is to be done about a setting that covers the device.
func change(s Setting, who Person, on Device, usable int) Change {
	c := Change{Setting: s.ID, Version: s.Version, Do: Send}
	content, err := For(s, who, on, &Accepted{Version: usable, Value: standIn})
	switch f := fault.As(err); {
	case f != nil:
		c.Do, c.Reason, c.Text = Block, f.Reason, f.Public
	case s.NeedsGenerated() && usable == 0:
		c.Do = Wait
	default:
		c.Content = content.Digest()
		if s.NeedsGenerated() {
			c.PasswordVersion = usable
		}
	}
	return c
}

// has reports whether the device is done with c: it applied it, or it could not.
func has(held []Held, c Change) bool {
	return slices.ContainsFunc(held, func(h Held) bool {
		return c.Do == Send && h.Setting == c.Setting && h.Content == c.Content && (h.Status == Applied || h.Status == Failed)
	})
}

// Note returns held with a change that was sent. Wait and Block change nothing, nor
// does what was sent already: At stays when it was sent first.
func Note(held []Held, c Change, now time.Time) []Held {
	h := Held{Setting: c.Setting, Version: c.Version, PasswordVersion: c.PasswordVersion, Content: c.Content, Status: Sent, At: now}
	i := slices.IndexFunc(held, func(h Held) bool { return h.Setting == c.Setting })
	switch c.Do {
	case Wait, Block:
		return held
	case Withdraw:
		if i >= 0 {
			h = held[i]
		}
		h.Status, h.Reason, h.At = Withdrawing, "", now
	}
	if i >= 0 && held[i].Status == h.Status && held[i].Content == h.Content {
		return held
	}
	return with(held, h)
}

// Answer returns held with what the device says of a change that was sent, and
// whether that changed anything: answers to what is no longer the last word, such as
// an older content, do not. A setting that was withdrawn leaves the list; one that
// could not be withdrawn stays, with the reason, so that it is tried again.
func Answer(held []Held, c Change, ok bool, reason string, now time.Time) ([]Held, bool) {
	i := slices.IndexFunc(held, func(h Held) bool { return h.Setting == c.Setting && h.Content == c.Content })
	if i < 0 {
		return held, false
	}
	h := held[i]
	switch {
	case c.Do == Withdraw && h.Status == Withdrawing && ok:
		return slices.Delete(slices.Clone(held), i, i+1), true
	case c.Do == Withdraw && h.Status == Withdrawing && h.Reason != reason:
		h.Reason = reason
		return with(held, h), true
	case c.Do == Send && h.Status == Sent:
		h.Status, h.Reason, h.At = Applied, "", now
		if !ok {
			h.Status, h.Reason = Failed, reason
		}
		return with(held, h), true
	}
	return held, false
}

// Forget returns held without the failure of a setting, so that it is sent again. The
// setting stays in the list, for the device may have an older content of it: where it
// is no longer to have it, it is told so.
func Forget(held []Held, setting string) []Held {
	held = slices.Clone(held)
	for i, h := range held {
		if h.Setting == setting && h.Status == Failed {
			// Without Content no answer that comes late is one to what is sent now.
			held[i].Status, held[i].Reason, held[i].Content = Sent, "", ""
		}
	}
	return held
}

// Standing is where one version of a setting stands.
type Standing struct {
	Setting string
	Version int
	Status  Status
}

// Tally counts on how many devices each version of each setting stands where. It is
// a pure fold over what the devices hold.
func Tally(devices iter.Seq[[]Held]) map[Standing]int {
	count := map[Standing]int{}
	for held := range devices {
		for _, h := range held {
			count[Standing{h.Setting, h.Version, h.Status}]++
		}
	}
	return count
}

// with returns held with h in the place of what it has of the same setting.
func with(held []Held, h Held) []Held {
	held = slices.DeleteFunc(slices.Clone(held), func(o Held) bool { return o.Setting == h.Setting })
	at, _ := slices.BinarySearchFunc(held, h, func(a, b Held) int { return strings.Compare(a.Setting, b.Setting) })
	return slices.Insert(held, at, h)
}
