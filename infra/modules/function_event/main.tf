# One function that handles the events of one topic. It answers HTTP and is fed by
# a push subscription of its own, not by a trigger: only so do retries, the number
# of attempts and the dead letters lie in our hands. The names are those that package
# shared/event/pubsub knows: topic and subscription are named alike.

locals {
  topic          = "${var.topic_prefix}${var.topic}"
  push_account   = "rollcall-push-${var.function.name}"
  topic_of_event = "projects/${var.project}/topics/${google_pubsub_topic.this.name}"
}

resource "google_pubsub_topic" "this" {
  project = var.project
  name    = local.topic
}

resource "google_service_account" "push" {
  project      = var.project
  account_id   = local.push_account
  display_name = "Rollcall delivery of ${var.function.name} events"
}

resource "google_cloud_run_service_iam_member" "push" {
  project  = var.project
  location = var.region
  service  = var.function.name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

resource "google_pubsub_subscription" "this" {
  project                    = var.project
  name                       = local.topic
  topic                      = google_pubsub_topic.this.id
  message_retention_duration = "604800s"
  # How long the function may take before the event is delivered again.
  ack_deadline_seconds = min(600, var.timeout_seconds + 10)

  push_config {
    # The framework reads the topic's name from the path.
    push_endpoint = "${var.function.uri}/${local.topic_of_event}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = var.function.uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = var.dead_letter_topic
    max_delivery_attempts = var.attempts
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_service_iam_member.push]
}

# Pub/Sub itself moves an event to the dead letters, and then acknowledges it here.
resource "google_pubsub_subscription_iam_member" "moves" {
  project      = var.project
  subscription = google_pubsub_subscription.this.name
  role         = "roles/pubsub.subscriber"
  member       = var.pubsub_agent
}

# Who starts this workflow, by publishing.
resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers

  project = var.project
  topic   = google_pubsub_topic.this.name
  role    = "roles/pubsub.publisher"
  member  = each.value
}
