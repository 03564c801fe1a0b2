package pubsub

import (
	"context"
	"errors"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// ackSeconds is the longest deadline; the client extends a shorter one
	// anyway, but a receiver that is killed should not hold events for long.
	ackSeconds = 60
	// deadAckSeconds is how long a listing that dies hides what it pulled.
	deadAckSeconds = 10
)

// EnsureTopics makes the topics, their subscriptions and the dead-letter topic
// with its subscription, where they are missing; what is there stays as it is.
// It is for the emulator and for trials: in the cloud, Terraform makes them.
func (b *Bus) EnsureTopics(ctx context.Context) error {
	if err := b.ensure(ctx, deadName, &pubsubpb.Subscription{
		AckDeadlineSeconds: deadAckSeconds,
		// Without a policy, a subscription that nobody lists for 31 days goes.
		ExpirationPolicy: &pubsubpb.ExpirationPolicy{},
	}); err != nil {
		return err
	}
	for _, t := range event.Topics() {
		if err := b.ensure(ctx, string(t), &pubsubpb.Subscription{
			AckDeadlineSeconds: ackSeconds,
			ExpirationPolicy:   &pubsubpb.ExpirationPolicy{},
			RetryPolicy: &pubsubpb.RetryPolicy{
				MinimumBackoff: durationpb.New(b.opt.MinBackoff), MaximumBackoff: durationpb.New(b.opt.MaxBackoff),
			},
			DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{
				DeadLetterTopic: b.topicName(deadName), MaxDeliveryAttempts: int32(b.opt.MaxAttempts),
			},
		}); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) ensure(ctx context.Context, name string, sub *pubsubpb.Subscription) error {
	client, err := b.dial(ctx)
	if err != nil {
		return err
	}
	_, err = client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: b.topicName(name)})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return classify(err, "create the topic "+name)
	}
	sub.Name, sub.Topic = b.subscriptionName(name), b.topicName(name)
	_, err = client.SubscriptionAdminClient.CreateSubscription(ctx, sub)
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return classify(err, "create the subscription "+name)
	}
	return nil
}

// classify turns gRPC's codes into kinds of fault, and says what to change.
func classify(err error, doing string) error {
	if err == nil {
		return nil
	}
	if fault.As(err) != nil {
		return err
	}
	code := status.Code(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		code = codes.DeadlineExceeded
	}
	switch code {
	case codes.Canceled, codes.DeadlineExceeded:
		return fault.Wrap(err, fault.Transient, "cancelled", "cannot %s: the call was cancelled or took too long", doing)
	case codes.PermissionDenied:
		return fault.Wrap(err, fault.Permanent, "pubsub-permission",
			"cannot %s: the service account needs roles/pubsub.publisher on the topic, and roles/pubsub.subscriber on the subscription to receive or list", doing)
	case codes.Unauthenticated:
		return fault.Wrap(err, fault.Permanent, "pubsub-credentials", "cannot %s: Google does not accept the credentials", doing)
	case codes.NotFound:
		return fault.Wrap(err, fault.Permanent, "pubsub-missing", "cannot %s: the topic or subscription is missing; apply Terraform", doing)
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented, codes.OutOfRange:
		return fault.Wrap(err, fault.Permanent, "pubsub-"+strings.ToLower(code.String()), "cannot %s: Pub/Sub refuses the call", doing)
	case codes.ResourceExhausted:
		return fault.Wrap(err, fault.Exhausted, "bus-full", "cannot %s: a Pub/Sub quota is used up", doing)
	default:
		return fault.Wrap(err, fault.Transient, "pubsub", "cannot %s: Pub/Sub is out of reach for the moment", doing)
	}
}
