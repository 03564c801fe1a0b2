package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/doctor/examine"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const doctorPath = "/v1/enterprises/acme/doctor"

// withDoctor is acme with LDAP alone, and a function directorysync that takes a probe
// up at once, says who asked for it, and finds a server.
func (b *bench) withDoctor() {
	b.t.Helper()
	b.acme()
	b.want(200, "PUT", dirPath, `{"mode":"ldap-only","ldap":{"url":"ldaps://ldap.example.com","baseDn":"dc=example,dc=com"}}`, nil)
	silent := httptest.NewServer(http.NotFoundHandler())
	b.t.Cleanup(silent.Close)
	b.office.Events = probing{b}
	b.office.Doctor = func(context.Context) (*examine.Examiner, error) {
		return &examine.Examiner{
			DB: b.office.DB, Secrets: b.office.Secrets, DeadLetters: b.bus, Endpoint: silent.URL, Now: b.office.Now, Log: slog.New(slog.DiscardHandler),
			Play: func(context.Context, string) error { return nil },
		}, nil
	}
	b.handler = b.office.Handler(b.edge())
}

// probing is a bus on which the function directorysync listens.
type probing struct{ *bench }

func (p probing) Publish(ctx context.Context, topic event.Topic, data []byte) (string, error) {
	id, err := p.bus.Publish(ctx, topic, data)
	if err != nil {
		return "", err
	}
	c, err := directory.ParseCommand(data)
	if err != nil || c.Op != directory.Start || c.Kind != directory.Probe || c.RequestedBy != "admin:local" {
		p.t.Errorf("%s: %+v, %v", topic, c, err)
	}
	return id, p.office.DB.Update(ctx, func(tx *record.Tx) error {
		return tx.PutRun(directory.Run{ID: c.Run, Enterprise: c.Enterprise, Kind: c.Kind, Phase: directory.Done, Findings: []string{"pass: LDAP: 3 people are found"}})
	})
}

func (b *bench) report(out *doctor.Report) map[string]doctor.Line {
	b.t.Helper()
	b.want(200, "POST", doctorPath, `{}`, out)
	by := map[string]doctor.Line{}
	for _, l := range out.Lines {
		by[l.Check] = l
	}
	return by
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.withDoctor()
	var r doctor.Report
	by := b.report(&r)
	for name, want := range map[string]doctor.Status{"store": doctor.Pass, "bus": doctor.Pass, "key": doctor.Skip, "play": doctor.Pass, "ldap": doctor.Pass, "subject": doctor.Skip} {
		if by[name].Status != want {
			t.Errorf("%+v, want %s", by[name], want)
		}
	}
	if r.Enterprise != "acme" || r.Worst != doctor.Worst(r.Lines) || !r.At.Equal(clock) {
		t.Errorf("%+v", r)
	}
	trail := b.trail("acme")
	if last := trail[len(trail)-1]; len(trail) != 3 || !strings.HasPrefix(last, "admin:local directory.request run:") {
		t.Errorf("the trail: %q", trail)
	}
}

// TestDoctor_K2_NothingHidesTheRest: a store or a bus that fails is a line.
func TestDoctor_K2_NothingHidesTheRest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.withDoctor()
	b.store.Crash(1, storetest.Before)
	var r doctor.Report
	by := b.report(&r)
	b.store.Fail(0, storetest.Before)
	if by["store"].Status != doctor.Fail || by["bus"].Status != doctor.Pass || r.Worst != doctor.Fail {
		t.Errorf("%+v", r.Lines)
	}
	b.bus.fail = context.DeadlineExceeded
	by = b.report(&r)
	if by["store"].Status != doctor.Pass || by["ldap"].Status != doctor.Fail {
		t.Errorf("%+v", r.Lines)
	}
}

func TestDoctor_Refusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.withDoctor()
	b.refuse(404, "POST", "/v1/enterprises/beta/doctor", `{}`, "", "")
	b.refuse(404, "POST", "/v1/enterprises/B%20/doctor", `{}`, "", "")
	b.refuse(400, "POST", doctorPath, `{"mailbox":"x"}`, "mailbox", "")
	b.refuse(400, "POST", doctorPath+"?x=1", `{}`, "", "no parameters")
	b.refuse(405, "GET", doctorPath, "", "", "POST only")
	b.office.Doctor = nil
	b.handler = b.office.Handler(b.edge())
	if w := b.do("POST", doctorPath, `{}`); w.Code != 502 && w.Code != 500 {
		t.Errorf("without a doctor: %d %s", w.Code, w.Body)
	}
	if n := len(b.bus.takeRuns()); n != 0 {
		t.Errorf("%d probes were asked for", n)
	}
}

// TestExaminer_IsOfTheProcess: its settings reach what it asks, and Play is asked anew
// with the Play key, with what was mended in between.
func TestExaminer_IsOfTheProcess(t *testing.T) {
	t.Parallel()
	sim := playtest.New(playtest.Options{})
	t.Cleanup(sim.Close)
	account, err := sim.NewServiceAccount("play")
	if err != nil {
		t.Fatal(err)
	}
	bound := sim.AddEnterprise("Acme", account.Email)
	c := setup.Config{Store: "embedded", Bus: "embedded", Secrets: "file", Data: t.TempDir(), PlayEndpoint: sim.URL, IAMEndpoint: "https://iam.example.com"}
	var asked []string
	p := setup.NewProcess(c, nil)
	p.Google = func(op, outcome string, _ int) { asked = append(asked, op+" "+outcome) }
	b := newBench(t)
	open := examiner(p, b.office.DB, b.office.Secrets, b.bus)
	look := func() *examine.Examiner {
		e, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := look(); e.SignIn == nil || !e.MakesKey || e.IAMEndpoint != c.IAMEndpoint || e.Endpoint != "" || e.DB != b.office.DB {
		t.Errorf("%+v", e)
	}
	p.Config.DirectoryEndpoint, p.Config.Secrets = "http://127.0.0.1:1", "secretmanager"
	if e := look(); e.SignIn != nil || e.MakesKey || e.Endpoint != p.Config.DirectoryEndpoint {
		t.Errorf("with a simulated Google: %+v", e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := look().Play(ctx, bound); err == nil {
		t.Error("without a key Google binds it")
	}
	if err := b.office.Secrets.Put(ctx, tokens.PlayKey, secret.NewBytes(account.JSON)); err != nil {
		t.Fatal(err)
	}
	if err := look().Play(ctx, bound); err != nil {
		t.Error(err)
	}
	sim.Tokens.SetAccount(account.Email, googletest.AccountDisabled)
	if err := look().Play(ctx, bound); err == nil {
		t.Error("a disabled account is taken")
	}
	if got := asked[len(asked)-1]; got != "enterprises.get google-key" {
		t.Errorf("observed %q", asked)
	}
}
