# One second-generation function that answers HTTP, with an identity of its own.

locals {
  # The stager leaves exactly one archive for each function.
  archives = fileset(var.build_dir, "${var.name}-*.zip")
  archive  = join("", local.archives)

  secrets  = [for name in var.secrets : name if !endswith(name, "*")]
  families = [for name in var.secrets : trimsuffix(name, "*") if endswith(name, "*")]
}

resource "google_service_account" "this" {
  project      = var.project
  account_id   = "rollcall-${var.name}"
  display_name = "Rollcall function ${var.name}"
}

resource "google_storage_bucket_object" "archive" {
  name   = local.archive
  bucket = var.bucket
  source = "${var.build_dir}/${local.archive}"

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(local.archives) == 1
      error_message = "There is no archive of ${var.name}, or more than one, in ${var.build_dir}: run ./scripts/stage ${var.name}."
    }
  }
}

resource "google_cloudfunctions2_function" "this" {
  project     = var.project
  location    = var.region
  name        = var.name
  description = var.description

  build_config {
    runtime         = "go126"
    entry_point     = var.name
    service_account = var.build_service_account

    source {
      storage_source {
        bucket = var.bucket
        # Named by its content, so that an unchanged function is not rebuilt.
        object = google_storage_bucket_object.archive.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.this.email
    environment_variables            = var.settings
    available_memory                 = var.memory
    available_cpu                    = "1"
    timeout_seconds                  = var.timeout_seconds
    max_instance_request_concurrency = var.concurrency
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    ingress_settings                 = var.ingress
    all_traffic_on_latest_revision   = true

    # Private addresses alone: all else goes to the internet as it does without.
    direct_vpc_egress = var.network == null ? null : "VPC_EGRESS_PRIVATE_RANGES_ONLY"

    dynamic "direct_vpc_network_interface" {
      for_each = var.network[*]

      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
      }
    }
  }
}

# Who may call: everyone for device traffic, which proves itself to the function,
# and named members else.
resource "google_cloud_run_service_iam_member" "invoker" {
  for_each = toset(var.invokers)

  project  = var.project
  location = var.region
  service  = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_project_iam_member" "store" {
  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.this.member
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = toset(local.secrets)

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

# The secrets of enterprises are made by admin as enterprises come, so what they
# are called is all that is known of them here.
resource "google_project_iam_member" "reads" {
  for_each = toset(local.families)

  project = var.project
  role    = "roles/secretmanager.secretAccessor"
  member  = google_service_account.this.member

  condition {
    title      = "secrets ${each.value}*"
    expression = "resource.name.startsWith(\"projects/${var.project_number}/secrets/${each.value}\")"
  }
}
