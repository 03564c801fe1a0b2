package google

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
	"google.golang.org/api/iamcredentials/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Tokens are the access tokens of one service account, for itself and for every
// person whom it may impersonate (invariant K3). Each is kept until shortly before
// its end, fetched once for however many wait for it, and renewed in the
// background once four fifths of its life have passed.
//
// A refusal reaches as far as its cause. That of one person is believed for
// SubjectPause and for this person alone; of a missing grant, once several people
// have met it, one asker in each ConfigPause finds out whether it still misses; a
// broken credential fails everybody at once, is logged once, and is tried by one
// asker in each KeyPause until it works. Tokens that are kept are handed out all
// the same.
//
// It dials nothing before first use. It retries where TokenOptions.Caller does; who
// calls Token from a Caller of their own leaves that out. It may be used
// concurrently.
type Tokens struct {
	opt    TokenOptions
	flight singleflight.Group
	reads  singleflight.Group
	share  *semaphore.Weighted
	broken *outage
	grants grants
	inUse  atomic.Pointer[signer] // nil is none yet

	mu  sync.Mutex
	iam *iamcredentials.Service
}

// NewTokens returns Tokens.
func NewTokens(opt TokenOptions) *Tokens {
	opt.setDefaults()
	t := &Tokens{opt: opt, share: semaphore.NewWeighted(int64(opt.Parallel))}
	t.grants = grants{pause: opt.ConfigPause, now: opt.Now, log: t.log, miss: map[grant]*missing{}}
	t.broken = newOutage(opt.KeyPause, func(f *fault.Error) {
		t.log(slog.LevelError, "google does not accept the service account's credential", slog.String("error", f.Error()))
	}, func() {
		t.log(slog.LevelInfo, "google accepts the service account's credential again")
	})
	return t
}

// Token returns a valid access token that acts for subject, an address that is
// compared letter by letter, or for the service account itself where it is empty.
// Its errors are faults of Classify, all of them NothingDone.
func (t *Tokens) Token(ctx context.Context, subject string, scopes Scopes) (AccessToken, error) {
	if tok, known, err := t.Kept(ctx, subject, scopes); known {
		return tok, err
	}
	led := false // read below only once the flight has returned
	select {
	case <-ctx.Done():
		f := classifyTransport(ctx.Err())
		f.Err = unsent(f.Err)
		return AccessToken{}, f
	case r := <-t.start(ctx, subject, scopes, false, &led):
		if r.Err != nil {
			f := fault.As(r.Err)
			if !led {
				f = told(f)
			}
			return AccessToken{}, f
		}
		tok, _ := r.Val.(AccessToken)
		return tok, nil
	}
}

// Kept returns what is kept for subject, a token or a refusal that is still believed,
// without asking Google; known is false where nothing is. Like Token it begins the
// renewal of a token that is due for it.
func (t *Tokens) Kept(ctx context.Context, subject string, scopes Scopes) (tok AccessToken, known bool, err error) {
	e, renew := t.kept(subject, scopes)
	switch {
	case e == nil:
		return AccessToken{}, false, nil
	case e.refused != nil:
		return AccessToken{}, true, told(e.refused)
	case renew:
		t.start(ctx, subject, scopes, true, new(bool))
	}
	return e.token(), true, nil
}

// kept looks into the cache, under the credential in use.
func (t *Tokens) kept(subject string, scopes Scopes) (e *entry, renew bool) {
	s := t.inUse.Load()
	if s == nil {
		return nil, false
	}
	return t.opt.Cache.get(tokenKey{s.owner, scopes, subject}, t.opt.Now(), t.opt.Timeout)
}

func (e *entry) token() AccessToken {
	return AccessToken{Value: e.value, Expiry: time.Unix(0, e.expiry)}
}

// start begins a fetch, or joins the one that is under way; led tells the one who
// began it.
func (t *Tokens) start(ctx context.Context, subject string, scopes Scopes, renew bool, led *bool) <-chan singleflight.Result {
	return t.flight.DoChan(subject+" "+scopes.String(), func() (any, error) {
		*led = true
		if e, _ := t.kept(subject, scopes); e != nil && !renew {
			// Another flight has landed since the asker looked.
			if e.refused != nil {
				return nil, told(e.refused)
			}
			return e.token(), nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.opt.Timeout)
		defer cancel()
		if t.opt.Caller == nil {
			return t.attempt(ctx, subject, scopes)
		}
		var tok AccessToken
		err := t.opt.Caller.Do(ctx, t.opt.Enterprise, "oauth2.token", true, func(ctx context.Context) (err error) {
			tok, err = t.attempt(ctx, subject, scopes)
			return err
		})
		if err != nil {
			return nil, t.failed(err, subject)
		}
		return tok, nil
	})
}

// attempt fetches once, where no refusal has shown that to be in vain.
func (t *Tokens) attempt(ctx context.Context, subject string, scopes Scopes) (AccessToken, error) {
	if err := t.share.Acquire(ctx, 1); err != nil {
		return AccessToken{}, t.failed(err, subject)
	}
	defer t.share.Release(1)
	g := grantOf(subject, scopes)
	if f := t.grants.admit(g); f != nil {
		return AccessToken{}, f
	}
	tok, err := t.broken.do(func() (AccessToken, error) { return t.fetch(ctx, subject, scopes) })
	t.grants.learn(g, subject, err)
	return tok, err
}

// fetch asks Google, once more where the credential turns out to be replaced, and
// keeps what it says.
func (t *Tokens) fetch(ctx context.Context, subject string, scopes Scopes) (AccessToken, error) {
	s, tok, err := t.ask(ctx, subject, scopes)
	if s != nil && fault.ReasonOf(err) == ReasonKey {
		if next, rerr := t.readSigner(ctx, s); rerr == nil && next.owner != s.owner {
			s, tok, err = t.ask(ctx, subject, scopes)
		}
	}
	if err != nil {
		err = t.failed(err, subject)
	}
	if s != nil {
		t.keep(tokenKey{s.owner, scopes, subject}, tok, fault.As(err))
	}
	return tok, err
}

func (t *Tokens) ask(ctx context.Context, subject string, scopes Scopes) (*signer, AccessToken, error) {
	s, err := t.signer(ctx)
	if err != nil {
		return nil, AccessToken{}, err
	}
	assertion, err := t.assert(ctx, s, subject, scopes)
	if err != nil {
		return s, AccessToken{}, err
	}
	tok, err := t.exchange(ctx, s.view.TokenURI, assertion)
	return s, tok, err
}

// keep puts a token, or a refusal of this subject, into the cache.
func (t *Tokens) keep(k tokenKey, tok AccessToken, f *fault.Error) {
	now := t.opt.Now()
	e := &entry{key: k}
	switch {
	case f == nil:
		life := tok.Expiry.Sub(now)
		until := life - t.opt.EarlyExpiry
		if until <= 0 {
			return
		}
		// Spread over a tenth, so that those fetched together do not come again so.
		renew := life*4/5 + t.opt.Jitter(life/10+1)
		e.value, e.expiry = tok.Value, tok.Expiry.UnixNano()
		e.until, e.renew = now.Add(until).UnixNano(), now.Add(renew).UnixNano()
	case f.Reason == ReasonSubject, f.Reason == ReasonConfig && !t.holds(k, now):
		e.refused, e.until = f, now.Add(t.opt.SubjectPause).UnixNano()
		e.renew = e.until
	default:
		return
	}
	t.opt.Cache.put(e, now)
}

// holds reports whether a good token is kept, which a grant that is missing for
// the next one does not make worse.
func (t *Tokens) holds(k tokenKey, now time.Time) bool {
	e, _ := t.opt.Cache.get(k, now, t.opt.Timeout)
	return e != nil && e.refused == nil
}

// failed completes the classification of a fetch's error.
func (t *Tokens) failed(err error, subject string) *fault.Error {
	f := *fault.As(classify(err, t.opt.Now))
	if f.Reason == ReasonSubject && subject == "" {
		f.Reason, f.Public = ReasonKey, "Google does not know the service account; it may be deleted."
	}
	if f.Err == nil {
		f.Err = errors.New("no access token")
	}
	f.Err = unsent(f.Err)
	return &f
}
