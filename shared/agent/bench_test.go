package agent_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// answer is a transport that has nothing to do for any device.
type answer struct{}

func (answer) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"directives":[],"nextCheckInSeconds":3600}`)),
	}, nil
}

// BenchmarkSteadyCheckIn is a device's own cost of a check-in without news: as
// good as nothing but the signature.
func BenchmarkSteadyCheckIn(b *testing.B) {
	keys, err := agent.GenerateKeys(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	const at = "https://emm.example/"
	a, err := agent.New(agent.Config{
		Keys: keys, Play: &memory{}, Save: func(agent.State) error { return nil },
		Options: &agent.Options{HTTP: &http.Client{Transport: answer{}}},
		State:   agent.State{DeviceID: "d1", Endpoints: protocol.Endpoints{CheckIn: at + "checkin", Token: at + "token"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.CheckIn(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAgents is the memory that an agent holds, for those who simulate many.
func BenchmarkAgents(b *testing.B) {
	keys, err := agent.GenerateKeys(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	opts := &agent.Options{}
	agents := make([]*agent.Agent, b.N)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range agents {
		agents[i], err = agent.New(agent.Config{Keys: keys, Play: &memory{}, Save: func(agent.State) error { return nil }, Options: opts})
		if err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(b.N), "B/agent")
	runtime.KeepAlive(agents)
}
