# One function that handles the events of one topic. It answers HTTP and is fed by
# a push subscription of its own, not by a trigger: only so do retries, the number
# of attempts and the dead letters lie in our hands.

locals {
  topic          = "${var.topic_prefix}${var.function.name}"
  dead           = "${local.topic}-dead"
  pubsub_agent   = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  month          = "2678400s" # 31 days, the longest that Pub/Sub retains
  push_account   = "rollcall-push-${var.function.name}"
  topic_of_event = "projects/${var.project}/topics/${google_pubsub_topic.this.name}"
}

resource "google_pubsub_topic" "this" {
  project = var.project
  name    = local.topic
}

resource "google_pubsub_topic" "dead" {
  project = var.project
  name    = local.dead
}

# Nobody is subscribed to the dead letters but this: it keeps them until they are
# replayed. Without it Pub/Sub would drop them.
resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = local.dead
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = local.month
  ack_deadline_seconds       = 60

  expiration_policy {
    ttl = "" # never, however long nobody reads it
  }
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
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = var.attempts
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_cloud_run_service_iam_member.push,
    google_pubsub_topic_iam_member.dead,
  ]
}

# Pub/Sub itself moves an event to the dead letters: it publishes there, and
# acknowledges here.
resource "google_pubsub_topic_iam_member" "dead" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  project      = var.project
  subscription = google_pubsub_subscription.this.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Who starts this workflow, by publishing.
resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers

  project = var.project
  topic   = google_pubsub_topic.this.name
  role    = "roles/pubsub.publisher"
  member  = each.value
}

# Who lists the dead letters and takes them out when replaying.
resource "google_pubsub_subscription_iam_member" "replayers" {
  for_each = var.replayers

  project      = var.project
  subscription = google_pubsub_subscription.dead.name
  role         = "roles/pubsub.subscriber"
  member       = each.value
}
