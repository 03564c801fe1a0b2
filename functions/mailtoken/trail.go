package mailtoken

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// What an auditor asks is which mail clients got tokens for a mailbox, and since when;
// what happened to each token is in Google's own log. So a record is written when a
// client gets a token for mailboxes that it had none for within a day, one for the whole
// request, before the tokens go out; nothing goes out unrecorded. It names each mailbox
// by its digest: whoever knows an address finds it, and the trail lists nobody's.
//
// A server that asks for 2,500 mailboxes every 50 minutes thus makes five records a day,
// or 2,500 if it asks for each by itself, instead of 72,000. Each process remembers for
// itself what it wrote, so that as many processes write as often. When a client asked,
// and how often, is in the log.
const (
	day = 24 * time.Hour
	// maxRecorded bounds what is remembered to have been recorded; beyond it, mailboxes
	// are recorded more often.
	maxRecorded = 250_000
	// refusalsEvery is how often a client's asking for what it may not have is recorded.
	refusalsEvery = time.Hour
	// writing bounds the write of a record, which outlives the caller's time.
	writing = 10 * time.Second
)

func actor(c *caller) string { return "mail-client:" + c.ID }

// record writes down whose tokens go out. An error means that they must not.
func (s *Issuer) record(ctx context.Context, c *caller, items []mailclient.TokenItem) error {
	var first []string // mailboxes
	denied, now := 0, s.now()
	for _, it := range items {
		switch {
		case it.Reason == mailclient.ReasonNotAllowed:
			denied++
		case it.Reason == "":
			if at, ok := s.recorded.get(recordKey(c, it.Mailbox), now); !ok || now.Sub(at) >= day {
				first = append(first, it.Mailbox)
			}
		}
	}
	s.recordDenied(ctx, c, denied, now)
	if len(first) == 0 {
		return nil
	}
	slices.Sort(first)
	// Many who ask for the same at once make one record.
	same := sha256.Sum256([]byte(strings.Join(first, " ")))
	_, err, _ := s.flights.Do(fmt.Sprintf("record %s %x", c.ID, same), func() (any, error) {
		if at, ok := s.recorded.get(recordKey(c, first[len(first)-1]), now); ok && now.Sub(at) < day {
			return nil, nil // by the flight that has landed since
		}
		subjects := make([]string, len(first))
		for i, m := range first {
			subjects[i] = mailclient.Digest(c.Enterprise, m)
		}
		slices.Sort(subjects) // the order is the client's, and tells no more
		err := s.write(ctx, audit.Record{
			Enterprise: c.Enterprise, At: now, Actor: actor(c), Action: "mailtoken.issue", Target: actor(c), Result: audit.OK,
			Detail: fmt.Sprintf("tokens for %d mailboxes, the first of a day", len(first)), Subjects: subjects,
		})
		if err != nil {
			return nil, err
		}
		for _, m := range first {
			s.recorded.put(recordKey(c, m), now, now)
		}
		return nil, nil
	})
	return err
}

// recordDenied writes down that a client asks for what it may not have. That it could
// not be written fails no request.
func (s *Issuer) recordDenied(ctx context.Context, c *caller, n int, now time.Time) {
	if n == 0 {
		return
	}
	_, err, _ := s.flights.Do("denied "+c.ID, func() (any, error) {
		if at, ok := s.denied.get(c.ID, now); ok && now.Sub(at) < refusalsEvery {
			return nil, nil
		}
		err := s.write(ctx, audit.Record{
			Enterprise: c.Enterprise, At: now, Actor: actor(c), Action: "mailtoken.refuse", Target: actor(c),
			Result: mailclient.ReasonNotAllowed, Detail: fmt.Sprintf("%d mailboxes in one request, the first of an hour", n),
		})
		if err == nil {
			s.denied.put(c.ID, now, now)
		}
		return nil, err
	})
	if err != nil {
		s.opt.Log.LogAttrs(ctx, slog.LevelError, "a refusal is not in the audit trail",
			slog.String("who", actor(c)), slog.String("error", err.Error()))
	}
}

func (s *Issuer) write(ctx context.Context, r audit.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writing)
	defer cancel()
	return s.opt.Trail.AppendAudit(ctx, r)
}

// recordKey is short: there are many.
func recordKey(c *caller, mailbox string) (k [16]byte) {
	sum := sha256.Sum256([]byte(c.ID + " " + person.MailKey(mailbox)))
	copy(k[:], sum[:])
	return k
}
