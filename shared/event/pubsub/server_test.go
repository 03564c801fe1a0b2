package pubsub_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/pubsub"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// raw returns Google's client on a server.
func raw(t *testing.T, project string, client []option.ClientOption) *gpubsub.Client {
	t.Helper()
	c, err := gpubsub.NewClient(t.Context(), project, client...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// refuse nacks every delivery of a subscription, as a function's trigger does
// when the function fails, until stop is called.
func refuse(t *testing.T, c *gpubsub.Client, subscription string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.Subscriber(subscription).Receive(ctx, func(_ context.Context, m *gpubsub.Message) { m.Nack() })
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Receive = %v", err)
		}
	}
}

// awaitDead lists until there is a dead letter; List itself waits for one.
func awaitDead(t *testing.T, b *pubsub.Bus) []event.DeadLetter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		list, err := b.List(ctx, 10)
		if err != nil {
			t.Fatalf("List = %v", err)
		}
		if len(list) > 0 {
			return list
		}
	}
}

// TestServerMovesDeadLetters: a dead letter that the server made, as it does for
// functions, is listed with the event's own id, and replayed.
func TestServerMovesDeadLetters(t *testing.T) {
	t.Parallel()
	// Google's in-process fake moves one letter again and again, so this one
	// behaviour is shown on the emulator alone.
	client := at(emulator(t))
	opt := options(time.Second, client...)
	opt.Prefix = "t-" + rand.Text() + "-"
	b := ready(t, pubsub.New("emulator", opt))
	id, err := b.Publish(t.Context(), event.Provision, []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	stop := refuse(t, raw(t, "emulator", client), "projects/emulator/subscriptions/"+opt.Prefix+"provision")
	list := awaitDead(t, b)
	stop()
	d := list[0]
	if len(list) != 1 || d.ID != id || d.Topic != event.Provision || string(d.Data) != `{"a":1}` ||
		d.Reason != "unknown" || d.Attempt != event.DefaultMaxAttempts {
		t.Errorf("List = %+v, want event %q", list, id)
	}
	if err := b.Replay(t.Context(), id); err != nil {
		t.Errorf("Replay = %v", err)
	}
	if list, err := b.List(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("List after Replay = %v, %v; want nothing", list, err)
	}
}

// TestNoDoubleWork: when Run gives an event up, the server does not do so too.
func TestNoDoubleWork(t *testing.T) {
	t.Parallel()
	_, client := fake(t)
	b := ready(t, pubsub.New("fake", options(time.Second, client...)))
	killOne(t, b)
	answer, err := raw(t, "fake", client).SubscriptionAdminClient.Pull(t.Context(), &pubsubpb.PullRequest{
		Subscription: "projects/fake/subscriptions/dead", MaxMessages: 10,
	})
	if err != nil || len(answer.ReceivedMessages) != 1 {
		t.Errorf("%d messages on the dead-letter subscription, %v; want 1", len(answer.GetReceivedMessages()), err)
	}
}

// TestServerWithoutPolicy: where the server counts nothing, Run counts.
func TestServerWithoutPolicy(t *testing.T) {
	t.Parallel()
	_, client := fake(t)
	c := raw(t, "fake", client)
	if _, err := c.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/fake/topics/provision"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: "projects/fake/subscriptions/provision", Topic: "projects/fake/topics/provision",
	}); err != nil {
		t.Fatal(err)
	}
	if n := killOne(t, ready(t, pubsub.New("fake", options(time.Second, client...)))); n != event.DefaultMaxAttempts {
		t.Errorf("%d deliveries, want %d", n, event.DefaultMaxAttempts)
	}
}

// killOne publishes an event that fails until it is a dead letter and returns
// how often it was delivered.
func killOne(t *testing.T, b *pubsub.Bus) int {
	t.Helper()
	attempts := make(chan int, 100)
	b.Subscribe(event.Provision, func(_ context.Context, e event.Event) error {
		attempts <- e.Attempt
		return errors.New("outage")
	})
	if _, err := b.Publish(t.Context(), event.Provision, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	awaitDead(t, b)
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Run = %v", err)
	}
	close(attempts)
	var got []int
	for a := range attempts {
		got = append(got, a)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	return len(got)
}

// TestFailedFirstUse: a bus that could not dial dials again.
func TestFailedFirstUse(t *testing.T) {
	s, _ := fake(t)
	t.Setenv("PUBSUB_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", t.TempDir()+"/missing.json")
	b := pubsub.New("fake", options(time.Second))
	if _, err := b.Publish(t.Context(), event.Provision, nil); fault.ReasonOf(err) != "pubsub-client" {
		t.Fatalf("Publish without credentials = %v, want pubsub-client", err)
	}
	t.Setenv("PUBSUB_EMULATOR_HOST", s.Addr)
	if _, err := ready(t, b).Publish(t.Context(), event.Provision, nil); err != nil {
		t.Errorf("Publish = %v", err)
	}
}

// TestRunWithoutSubscription: Run says what is missing instead of waiting.
func TestRunWithoutSubscription(t *testing.T) {
	t.Parallel()
	_, client := fake(t)
	b := pubsub.New("fake", options(time.Second, client...))
	b.Subscribe(event.Provision, func(context.Context, event.Event) error { return nil })
	if err := b.Run(t.Context()); fault.ReasonOf(err) != "pubsub-missing" {
		t.Errorf("Run = %v, want pubsub-missing", err)
	}
}
