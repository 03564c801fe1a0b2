# Where uploads lie, and who builds them.

resource "google_storage_bucket" "archives" {
  project                     = var.project
  name                        = "${var.project}-rollcall-archives"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

resource "google_service_account" "build" {
  project      = var.project
  account_id   = "rollcall-build"
  display_name = "Rollcall builds"
}

resource "google_project_iam_member" "build" {
  for_each = toset([
    "roles/artifactregistry.writer",
    "roles/logging.logWriter",
    "roles/storage.objectViewer",
  ])

  project = var.project
  role    = each.value
  member  = google_service_account.build.member
}
