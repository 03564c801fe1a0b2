package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Endpoint names one of the three calls.
type Endpoint string

// The endpoints.
const (
	EnrollEndpoint  Endpoint = "enroll"
	CheckInEndpoint Endpoint = "checkin"
	TokenEndpoint   Endpoint = "token"
)

// Options are what a Client needs from its surroundings. A nil *Options, and a
// zero field, mean the defaults. One Options may serve any number of Clients; its
// fields must then be safe for concurrent use.
type Options struct {
	// HTTP sends the requests; share one, so that connections are reused. Default
	// http.DefaultClient. Redirects are not followed whatever it says, because
	// following one would show a request to a server that it was not made for.
	HTTP *http.Client
	// Now is the device's clock; default time.Now.
	Now func() time.Time
	// Wait returns after d, or with ctx's error once ctx is done; default a timer.
	Wait func(ctx context.Context, d time.Duration) error
	// Random gives nonces and jitter; default crypto/rand.Reader.
	Random io.Reader
	// Timeout bounds one try; default 30 s.
	Timeout time.Duration
	// Tries is how often a call is tried in all where trying again may help;
	// default 4. A token is asked for at most twice, because each try counts
	// against the device's limit.
	Tries int
	// Observe, if set, is told of every try, from the goroutine that made it.
	Observe func(Exchange)
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.HTTP == nil {
		d.HTTP = http.DefaultClient
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Wait == nil {
		d.Wait = wait
	}
	if d.Random == nil {
		d.Random = rand.Reader
	}
	if d.Timeout == 0 {
		d.Timeout = 30 * time.Second
	}
	if d.Tries == 0 {
		d.Tries = 4
	}
	return d
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Client makes a device's calls. It may be used concurrently. Each method tries
// again what may work when tried again, each time with a new proof, and returns
// *Problem for the server's refusal, *Lost where no reply came, and fault.Invalid
// for a reply that is not what the protocol says.
type Client struct {
	opts   Options
	http   http.Client
	keys   Keys
	signer *proof.Signer
	// offset is what is added to the clock in proofs, in nanoseconds; see
	// correctClock.
	offset atomic.Int64
}

// NewClient returns the Client of a device with the given keys.
func NewClient(keys Keys, opts *Options) (*Client, error) {
	if keys.signing == nil {
		return nil, fault.New(fault.Invalid, "keys", "make the device's keys first")
	}
	c := &Client{opts: opts.withDefaults(), keys: keys}
	c.http = *c.opts.HTTP
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	signer, err := proof.NewSigner(keys.signing, c.opts.Random, c.clock)
	if err != nil {
		return nil, err
	}
	c.signer = signer
	return c, nil
}

// Enroll pins the device's keys to an enterprise by an enrollment token. It may
// be called again with the same keys and token, and then tells the same.
func (c *Client) Enroll(ctx context.Context, endpoint string, token secret.Value, info protocol.DeviceInfo) (protocol.EnrollReply, error) {
	return c.EnrollBy(ctx, endpoint, ByToken(token), info)
}

// EnrollBy is Enroll with any credentials. A wrong password is not tried again; a
// *Problem with status 429 says how long no further one is taken.
func (c *Client) EnrollBy(ctx context.Context, endpoint string, by Credentials, info protocol.DeviceInfo) (protocol.EnrollReply, error) {
	var r protocol.EnrollReply
	req := by.request
	req.EncryptionKey, req.Device = c.keys.public.JSON(), info
	if err := req.Validate(); err != nil {
		return r, err
	}
	err := c.do(ctx, &call{
		endpoint: EnrollEndpoint, url: endpoint, body: &req, hide: by.hide, mute: by.request.EnrollmentToken == "", tries: c.opts.Tries,
		read: func(b []byte) (err error) { r, err = readEnroll(b); return err },
	})
	return r, err
}

// CheckIn reports and returns what is to be done.
func (c *Client) CheckIn(ctx context.Context, endpoint string, req protocol.CheckInRequest) (protocol.CheckInReply, error) {
	var r protocol.CheckInReply
	if err := req.Validate(); err != nil {
		return r, err
	}
	err := c.do(ctx, &call{
		endpoint: CheckInEndpoint, url: endpoint, body: req, tries: c.opts.Tries,
		read: func(b []byte) (err error) { r, err = readCheckIn(b); return err },
	})
	return r, err
}

// Token asks for the token of an addAccount directive; Keys.Open opens it.
func (c *Client) Token(ctx context.Context, endpoint string, req protocol.TokenRequest) (protocol.TokenReply, error) {
	var r protocol.TokenReply
	if err := req.Validate(); err != nil {
		return r, err
	}
	err := c.do(ctx, &call{
		endpoint: TokenEndpoint, url: endpoint, body: req, tries: min(c.opts.Tries, 2),
		read: func(b []byte) (err error) { r, err = readToken(b); return err },
	})
	return r, err
}

// call is one call, however often it is tried.
type call struct {
	endpoint Endpoint
	url      string
	body     any
	raw      []byte   // body as JSON, the same in every try
	hide     []string // what no error may show
	mute     bool     // no text of the server's is kept
	tries    int
	read     func([]byte) error
}

func (c *call) prepare() (err error) {
	if err := checkURL(c.url); err != nil {
		return fault.Wrap(err, fault.Invalid, "endpoint", "the %s endpoint is of no use", c.endpoint)
	}
	if r, ok := c.body.(interface{ Reveal() ([]byte, error) }); ok {
		c.raw, err = r.Reveal()
	} else {
		c.raw, err = json.Marshal(c.body)
	}
	if err != nil {
		return fault.New(fault.Invalid, "request", "the %s request cannot be written as JSON", c.endpoint)
	}
	if len(c.raw) > protocol.MaxBody {
		return fault.New(fault.TooLarge, "request", "the %s request has more than %d bytes", c.endpoint, protocol.MaxBody)
	}
	return nil
}

// checkURL refuses what a proof cannot name or what would go in clear over a
// network: an endpoint is https, or http to this very machine.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return fmt.Errorf("not a URL")
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("an endpoint is an absolute URL without user, query and fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("an endpoint is https, or http on loopback")
}
