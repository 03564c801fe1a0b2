# What admin may do to the secrets of enterprises, beside reading them. A condition
# on names cannot hold for making a secret, which is asked of the project: admin may
# make any, and put values into, or delete, those of directories alone. It destroys the
# version whose place a rotated credential took.

resource "google_project_iam_custom_role" "makes_secrets" {
  project     = var.project
  role_id     = "rollcallMakesSecrets"
  title       = "Rollcall: makes secrets"
  permissions = ["secretmanager.secrets.create"]
}

resource "google_project_iam_custom_role" "keeps_secrets" {
  project     = var.project
  role_id     = "rollcallKeepsSecrets"
  title       = "Rollcall: puts values into secrets and deletes them"
  permissions = ["secretmanager.secrets.delete", "secretmanager.versions.add", "secretmanager.versions.destroy"]
}

resource "google_project_iam_member" "makes_secrets" {
  project = var.project
  role    = google_project_iam_custom_role.makes_secrets.id
  member  = module.http["admin"].member
}

resource "google_project_iam_member" "keeps_secrets" {
  for_each = toset([for name in local.directory_secrets : trimsuffix(name, "*")])

  project = var.project
  role    = google_project_iam_custom_role.keeps_secrets.id
  member  = module.http["admin"].member

  condition {
    title      = "secrets ${each.value}*"
    expression = "resource.name.startsWith(\"projects/${data.google_project.this.number}/secrets/${each.value}\")"
  }
}

# The keys that seal passwords: admin adds versions, each with the keys before it, and
# deletes none.
resource "google_secret_manager_secret_iam_member" "adds_password_keys" {
  project   = var.project
  secret_id = google_secret_manager_secret.this["password-key"].secret_id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = module.http["admin"].member
}
