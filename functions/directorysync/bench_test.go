package directorysync

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/firestore"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// peopleFlag is N of the benchmarks. The figures of the README are of 100,000:
//
//	go test ./functions/directorysync -run '^$' -bench Run -benchtime 1x -args -people 100000
//
// and, with the Firestore emulator, of 10,000:
//
//	./scripts/emulators go test ./functions/directorysync -run '^$' -bench Run -benchtime 1x -timeout 1h -args -people 10000
var peopleFlag = flag.Int("people", 2000, "how many people the benchmarks' directories have")

// BenchmarkRun measures whole runs. The directories are in another process; the
// store and the function are in this one. Nothing waits for Google's quota: add
// calls/38 s to the time where there are more than 100.
//
//	google-calls   calls to Google, the access token included
//	google-bytes   what Google answered, unpacked
//	reads, writes  store operations, as Firestore bills them
//	peak-MiB       largest heap in use, sampled, the store's part included
func BenchmarkRun(b *testing.B) {
	n := *peopleFlag
	for _, mode := range []directory.Mode{directory.GoogleOnly, directory.ReadOnly} {
		b.Run(string(mode), func(b *testing.B) {
			a := sendAway(b, n)
			outer, t := b, (*trial)(nil)
			b.Run("first", func(b *testing.B) {
				measure(b, n, func() *trial {
					t = newTrial(outer, a, mode)
					return t
				})
			})
			if t == nil {
				return // the others are runs after a first one
			}
			b.Run("no-change", func(b *testing.B) { measure(b, 0, func() *trial { return t }) })
			renamed := 0
			b.Run("10-changes", func(b *testing.B) {
				measure(b, 10, func() *trial {
					a.ask(b, "rename", renamed, renamed+10)
					renamed += 10
					return t
				})
			})
			gone, share := n/2, n/100
			b.Run("1-percent-leavers", func(b *testing.B) {
				measure(b, share, func() *trial {
					a.ask(b, "remove", gone, gone+share)
					gone += share
					return t
				})
			})
		})
	}
}

// trial is an engine with a store, over directories in another process.
type trial struct {
	away   away
	db     *record.DB
	engine *Engine
	bytes  *atomic.Int64
}

func newTrial(b *testing.B, a away, mode directory.Mode) *trial {
	b.Helper()
	driver, err := openStore(b)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = driver.Close() })
	t := &trial{away: a, db: record.New(store.Count(driver), newBenchID), bytes: new(atomic.Int64)}
	c := directory.Config{Enterprise: acme, Mode: mode, Revision: 1, Google: &directory.Google{Subject: boss}}
	if mode.UsesLDAP() {
		c.LDAP = &a.LDAP
	}
	if err := t.db.Update(b.Context(), func(tx *record.Tx) error { return tx.PutDirectory(c) }); err != nil {
		b.Fatal(err)
	}
	client := workspace.New(workspace.Options{Enterprise: acme, Subject: boss, ReadOnly: true, Endpoint: a.Google,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(a.Key), nil },
		Caller:     google.NewCaller(google.Options{Rate: 1e6, Burst: 1e6}), Base: counted{t.bytes}})
	t.engine = &Engine{
		DB: t.db, Bus: nowhere{}, Now: time.Now, Log: slog.New(slog.DiscardHandler), NewID: newBenchID, Slice: time.Hour,
		Google: func(context.Context, directory.Config) (*workspace.Client, error) { return client, nil },
		LDAP: func(_ context.Context, c directory.Config) (ldapSource, error) {
			return ldap.New(ldap.Options{Config: *c.LDAP, Password: func(context.Context) (secret.Value, error) {
				return secret.New("reader's password"), nil
			}}), nil
		},
	}
	return t
}

func openStore(b *testing.B) (store.Driver, error) {
	if os.Getenv("FIRESTORE_EMULATOR_HOST") != "" {
		return firestore.New(fmt.Sprintf("bench-%d", time.Now().UnixNano()%1e9), "(default)"), nil
	}
	return embedded.Open(b.Context(), b.TempDir())
}

var benchIDs atomic.Int64

func newBenchID() string {
	n := benchIDs.Add(1)
	var id [26]byte
	for i := range id {
		id[len(id)-1-i] = "abcdefghijklmnopqrstuvwxyz234567"[n&31]
		n >>= 5
	}
	return string(id[:])
}

// measure makes runs, each of what prepare returns, and reports what one cost.
func measure(b *testing.B, items int, prepare func() *trial) {
	var reads, writes, calls, bytes, searches int64
	var peak atomic.Uint64
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		t := prepare()
		cmd := directory.Command{Enterprise: acme, Op: directory.Start, Kind: directory.Sync, Run: newBenchID(),
			RequestedBy: ada, RequestedAt: time.Now()}
		before, bytesBefore := t.away.ask(b, "count", 0, 0), t.bytes.Load()
		ctx, ops := store.WithOps(b.Context())
		runtime.GC()
		stop := watchHeap(&peak)
		b.StartTimer()
		began := time.Now()
		err := t.engine.Do(ctx, cmd)
		spent += time.Since(began)
		b.StopTimer()
		stop()
		after := t.away.ask(b, "count", 0, 0)
		r, rerr := t.db.Run(b.Context(), cmd.Run)
		if err != nil || rerr != nil || r.Phase != directory.Done {
			b.Fatalf("run %s %q: %v, %v", r.Phase, r.Reason, err, rerr)
		}
		done := 0
		for _, n := range r.Counts.Planned {
			done += n
		}
		if done < items {
			b.Fatalf("%d planned, want %d", done, items)
		}
		reads += ops.Reads.Load()
		writes += ops.Writes.Load()
		calls += after.Calls - before.Calls
		searches += after.LDAPSearches - before.LDAPSearches
		bytes += t.bytes.Load() - bytesBefore
		b.StartTimer()
	}
	per := func(v int64, unit string) { b.ReportMetric(float64(v)/float64(b.N), unit) }
	per(reads, "reads")
	per(writes, "writes")
	per(calls, "google-calls")
	per(bytes, "google-bytes")
	per(searches, "ldap-pages")
	b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MiB")
	b.ReportMetric(spent.Seconds()/float64(b.N), "s")
	b.ReportMetric(0, "ns/op")
}

// watchHeap keeps the largest heap in use until stop is called.
func watchHeap(peak *atomic.Uint64) (stop func()) {
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-over }
}

// counted counts what comes back.
type counted struct{ n *atomic.Int64 }

func (c counted) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		resp.Body = countedBody{resp.Body, c.n}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
