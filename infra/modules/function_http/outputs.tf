output "uri" {
  description = "Where the function answers."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}

output "name" {
  description = "The function's name."
  value       = google_cloudfunctions2_function.this.name
}

output "member" {
  description = "The function's identity as a member for IAM."
  value       = google_service_account.this.member
}
