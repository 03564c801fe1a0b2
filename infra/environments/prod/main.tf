terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
  }

  # terraform init -backend-config=bucket=NAME
  backend "gcs" {
    prefix = "rollcall/prod"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

module "rollcall" {
  source = "../../modules/rollcall"

  project               = var.project
  region                = var.region
  store_location        = var.store_location
  build_dir             = "${path.root}/../../../.build"
  protect               = true
  settings              = var.settings
  admins                = var.admins
  keyless_accounts      = var.keyless_accounts
  public_url            = var.public_url
  network               = var.network
  notification_channels = var.notification_channels
  warm_instances        = 1
  max_instances         = 100
}

output "uris" {
  description = "Where the functions answer that are called from outside."
  value       = module.rollcall.uris
}
