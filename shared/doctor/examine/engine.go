package examine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// check is one thing to look at.
type check struct {
	group doctor.Group
	name  string
	// after must have passed; with is waited for however it ends. Both name checks
	// that stand before this one.
	after, with []string
	run         func(context.Context, check) []doctor.Line
}

// line returns a line of the check.
func (c check) line(s doctor.Status, format string, args ...any) doctor.Line {
	return doctor.Line{Group: c.group, Check: c.name, Status: s, What: fmt.Sprintf(format, args...)}
}

// outcome is a check under way; lines may be read once done is closed.
type outcome struct {
	check
	done  chan struct{}
	lines []doctor.Line
}

// all runs the checks side by side and returns their lines in order. It does not wait
// beyond expired, whatever a check does.
func (p *patient) all(ctx context.Context, expired <-chan struct{}, checks []check) []doctor.Line {
	outcomes := make([]*outcome, len(checks))
	byName := map[string]*outcome{}
	for i, c := range checks {
		o := &outcome{check: c, done: make(chan struct{})}
		var after, with []*outcome
		for _, name := range c.after {
			after = append(after, byName[name])
		}
		for _, name := range c.with {
			with = append(with, byName[name])
		}
		outcomes[i], byName[c.name] = o, o
		go p.one(ctx, o, after, with)
	}
	var lines []doctor.Line
	for _, o := range outcomes {
		select {
		case <-o.done:
			lines = append(lines, o.lines...)
			continue
		default:
		}
		select {
		case <-o.done:
			lines = append(lines, o.lines...)
		case <-expired:
			l := o.line(doctor.Fail, "It did not answer within %v.", p.limit)
			l.Advice, l.Reason = "Try again; if it stays so, look at the network between Rollcall and what was asked.", "doctor-late"
			lines = append(lines, l)
		}
	}
	return lines
}

// one runs a check once those that it waits for are over.
func (p *patient) one(ctx context.Context, o *outcome, after, with []*outcome) {
	defer close(o.done)
	defer func() {
		// A defect in one check must not end the process, and hide all others.
		if r := recover(); r != nil {
			p.log().LogAttrs(ctx, slog.LevelError, "a check of the doctor is broken", slog.String("check", o.name), slog.Any("panic", r))
			l := o.line(doctor.Fail, "This check is broken itself; the log of the function admin says how.")
			l.Reason = "doctor-broken"
			o.lines = []doctor.Line{l}
		}
	}()
	for _, d := range slices.Concat(after, with) {
		select {
		case <-d.done:
		case <-ctx.Done():
			o.lines = []doctor.Line{o.line(doctor.Skip, "Not looked at: %s took all the time.", thing(d.name))}
			return
		}
	}
	for _, d := range after {
		if worst := doctor.Worst(d.lines); worst == doctor.Fail || worst == doctor.Skip {
			o.lines = []doctor.Line{o.line(doctor.Skip, "Not looked at, because it needs %s.", thing(d.name))}
			return
		}
	}
	o.lines = o.run(ctx, o.check)
}

// thing names what a check is about, within a sentence.
func thing(name string) string {
	if text, ok := things[name]; ok {
		return text
	}
	return "what comes before it"
}

// because makes a line of a failure, with its public words, and logs its cause.
func (p *patient) because(ctx context.Context, l doctor.Line, err error) doctor.Line {
	f := fault.As(err)
	text := "The log of the function admin says why."
	switch {
	case f != nil && f.Public != "":
		text, l.Reason = f.Public, f.Reason
	case fault.KindOf(err) == fault.Transient:
		text = "It did not answer in time."
	}
	l.What += " " + sentence(text)
	level := slog.LevelInfo
	if f == nil {
		level = slog.LevelWarn
	}
	p.log().LogAttrs(ctx, level, "the doctor found a failure", slog.String("enterprise", p.situation.Enterprise),
		slog.String("check", l.Check), slog.String("error", err.Error()))
	return l
}

// sentence makes a fault's words, which may be a part of one, stand by themselves.
func sentence(s string) string {
	if s[0] >= 'a' && s[0] <= 'z' {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	if end := s[len(s)-1]; end != '.' && end != '!' && end != '?' {
		s += "."
	}
	return s
}
