output "topic" {
  description = "The topic's full name."
  value       = google_pubsub_topic.this.id
}

output "subscription" {
  description = "The id of the subscription that feeds the function."
  value       = google_pubsub_subscription.this.name
}
