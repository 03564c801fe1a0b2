# Where events go that were given up: one topic, and one subscription that keeps them
# until they are replayed. Without it Pub/Sub would drop them.

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "dead" {
  project = var.project
  name    = "${local.topic_prefix}dead"

  depends_on = [google_project_service.this]
}

resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = google_pubsub_topic.dead.name
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = "2678400s" # 31 days, the longest there is
  ack_deadline_seconds       = 10         # how long a listing that dies hides what it pulled

  expiration_policy {
    ttl = "" # never, however long nobody reads it
  }
}

# Pub/Sub itself moves an event here after its last delivery.
resource "google_pubsub_topic_iam_member" "dead" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

# Admin lists the dead letters, and takes them out when replaying.
resource "google_pubsub_subscription_iam_member" "replays" {
  project      = var.project
  subscription = google_pubsub_subscription.dead.name
  role         = "roles/pubsub.subscriber"
  member       = module.http["admin"].member
}
