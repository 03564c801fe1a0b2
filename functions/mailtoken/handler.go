package mailtoken

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// unauthorized is the text of every 401, and challenge how a client proves itself (RFC
// 9449, section 7.1, and RFC 6750, section 3).
const (
	unauthorized = "The request was not accepted. If this server's clock differs from serverTime by more than 60 seconds, set it; " +
		"otherwise ask the operator whether this mail client is registered and active."
	challenge = `DPoP algs="ES256", Bearer`
)

// Rows is what is read of the store.
type Rows interface {
	MailClient(ctx context.Context, id string) (mailclient.Client, error)
	Directory(ctx context.Context, ent string) (directory.Config, error)
	PeopleByAddress(ctx context.Context, ent, address string) ([]person.Person, error)
}

// Trail is what is written.
type Trail interface {
	AppendAudit(ctx context.Context, r audit.Record) error
}

// Options are what an Issuer is made of; all are required.
type Options struct {
	Rows     Rows
	Trail    Trail
	Mint     Mint
	IDTokens IDTokens
	// IDIssuer is who signs ID tokens: oidc.GoogleIssuer.
	IDIssuer string
	// URL is the function's public URL, which proofs name and ID tokens are for.
	URL string
	Log *slog.Logger
	Now func() time.Time
}

// Issuer hands out tokens. It may be used concurrently.
type Issuer struct {
	opt      Options
	flights  singleflight.Group
	proofs   proofs
	clients  *recent[string, *caller]
	modes    *recent[string, setting]
	owners   *recent[string, owned]
	recorded *recent[[16]byte, time.Time]
	denied   *recent[string, time.Time]
}

// New returns an Issuer.
func New(opt Options) *Issuer {
	return &Issuer{
		opt:      opt,
		clients:  newRecent[string, *caller](remembered, maxClients),
		modes:    newRecent[string, setting](remembered, maxClients),
		owners:   newRecent[string, owned](decided, maxDecided),
		recorded: newRecent[[16]byte, time.Time](day, maxRecorded),
		denied:   newRecent[string, time.Time](refusalsEvery, maxClients),
	}
}

func (s *Issuer) now() time.Time { return s.opt.Now() }

// Handler returns the function's handler.
func (s *Issuer) Handler(edge api.Edge) http.Handler {
	edge.Unauthorized, edge.Challenge = unauthorized, challenge
	return edge.Handle(func(w http.ResponseWriter, r *http.Request) error {
		var req mailclient.TokenRequest
		c, err := s.authenticate(w, r, &req)
		if c != nil {
			api.Identify(r.Context(), actor(c))
		}
		if err != nil {
			return err
		}
		reply := mailclient.TokenReply{Items: s.issue(r.Context(), c, req.Mailboxes)}
		if err := s.record(r.Context(), c, reply.Items); err != nil {
			return err
		}
		s.log(r.Context(), c, reply.Items)
		body, err := reply.Reveal()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // if the caller is gone there is nobody to tell
		return nil
	})
}

// log counts what a client got, and for what reasons it got no more.
func (s *Issuer) log(ctx context.Context, c *caller, items []mailclient.TokenItem) {
	refused := map[string]int{}
	for _, it := range items {
		if it.Reason != "" {
			refused[it.Reason]++
		}
	}
	attrs := []slog.Attr{slog.String("who", actor(c)), slog.String("enterprise", c.Enterprise), slog.Int("mailboxes", len(items))}
	if len(refused) > 0 {
		var words []string
		for _, reason := range slices.Sorted(maps.Keys(refused)) {
			words = append(words, fmt.Sprintf("%s %d", reason, refused[reason]))
		}
		attrs = append(attrs, slog.String("refused", strings.Join(words, ", ")))
	}
	s.opt.Log.LogAttrs(ctx, slog.LevelInfo, "mail tokens", attrs...)
}
