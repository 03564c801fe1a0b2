# All of Rollcall in one project.

locals {
  # What each function may do, as its doc comment says. Every function may use the
  # store. A secret that ends in * is one for each enterprise, which admin puts.
  # "network" lets a function reach LDAP servers that are in var.network. "settings"
  # are the function's own; var.settings comes before them.
  #
  # mailtoken keeps tokens in memory, each instance its own: 128 MiB, which is 100,000
  # mailboxes. A request for 500 of them works in up to 8 MiB beside that, so 32 at once
  # and the garbage collector's limit keep it within 512 MiB. A token is fetched anew
  # after 48 to 54 minutes, so N instances fetch up to N tokens for each mailbox in that
  # time: 100,000 mailboxes are 35 calls a second to Google from one instance and 174 from
  # five. After a start each instance fetches up to 100 a second for each enterprise; for a
  # keyless one Google signs as often, of which it does 60,000 a minute for the project, and
  # five instances ask for 5 x (60 x 100 + 250) = 31,250 in the first minute. One instance
  # answers for all of 100,000 mailboxes, so more of them cost calls and help only
  # against a wave; with none kept warm (var.warm_instances) an idle hour costs all tokens.
  http = {
    enroll = {
      description = "Binds a device to an enterprise and a person"
      public      = true
      secrets     = ["identifier-key", "ldap-bind-*"]
      network     = true
      timeout     = 30
    }
    checkin = {
      description = "Takes a device's report and returns its directives"
      public      = true
      secrets     = ["password-key", "workspace-key-*"]
      timeout     = 30
      settings = {
        # How long a check-in may wait for Google to take a password; 0s never does, and
        # leaves it to passwordpush.
        ROLLCALL_PASSWORD_BUDGET = "2s"
        ROLLCALL_DIRECTORY_RATE  = "1" # see local.event
      }
    }
    token = {
      description = "Provisions the account of a device and mints its authentication token"
      public      = true
      secrets     = ["play-key"]
      timeout     = 60
    }
    mailtoken = {
      description = "Gives registered mail servers OAuth tokens for mailboxes"
      public      = true
      secrets     = ["workspace-key-*"]
      timeout     = 60
      memory      = "512Mi"
      concurrency = 32
      instances   = 5
      settings    = { GOMEMLIMIT = "400MiB" }
    }
    admin = {
      description = "Reads status and starts workflows, for administrators"
      public      = false
      secrets     = concat(["password-key", "play-key"], local.directory_secrets)
      timeout     = 60
    }
    directorywatch = {
      description = "Takes Google's notifications of changes to users"
      public      = true
      secrets     = ["identifier-key"]
      timeout     = 30
    }
  }
  # Few at once, in few instances: each event works on Google, which counts its
  # callers' requests. A directory run holds up to 64 MiB beside what all share.
  #
  # Google's directory takes 2,400 calls a minute of one enterprise's administrator in
  # one project. ROLLCALL_DIRECTORY_RATE is calls a second, per instance and enterprise,
  # and whoever was idle may make those of two seconds at once before. In one minute
  # these make at most:
  #
  #   passwordpush   1,440  what passwordsweep and provision hand out: 0.8 x 30 a second,
  #                         from one row, whatever the number of instances
  #   directorysync    620  60 x 10 + 20: one instance at a time has an enterprise's run
  #   checkin          310  5 x (60 x 1 + 2), of five instances that push passwords while
  #                         the device waits
  #
  # which is 2,370. passwordpush must keep up with what is handed out, 5 x 6 = 30 a
  # second against 24; and whatever is replayed to it, 5 x (60 x 6 + 12) = 1,860 are
  # all that it can make. More instances of checkin at once go beyond the quota if each
  # of them pushes at its limit: Google then refuses, which fails nobody's password, but
  # delays them and the directory. Where that happens, ROLLCALL_PASSWORD_BUDGET = "0s"
  # in var.settings leaves every push to passwordpush.
  event = {
    provision = {
      description = "Creates, updates, revokes and deletes accounts"
      topic       = "provision"
      publishers  = ["admin", "provision", "directorysync", "reconcile"]
      secrets     = ["password-key", "play-key"]
      timeout     = 300
      concurrency = 8
      instances   = 5
      settings    = { ROLLCALL_DIRECTORY_RATE = "30" } # hands out as passwordsweep does
    }
    reconcile = {
      description = "Finishes what a crash left half done"
      topic       = "reconcile"
      publishers  = ["admin", "provision"]
      secrets     = ["play-key"]
      timeout     = 540
      concurrency = 8
      instances   = 5
    }
    directorysync = {
      description = "Runs and continues the directory syncs of all enterprises"
      topic       = "directory"
      publishers  = ["admin", "directorysync", "directorywatch"]
      secrets     = concat(["identifier-key"], local.directory_secrets)
      network     = true
      timeout     = 540
      concurrency = 4
      instances   = 10
      settings    = { ROLLCALL_DIRECTORY_RATE = "10" }
    }
    passwordpush = {
      description = "Sends one person's generated password to Google"
      topic       = "password"
      publishers  = ["admin", "passwordsweep", "provision"]
      secrets     = ["password-key", "workspace-key-*"]
      timeout     = 120
      concurrency = 16
      instances   = 5
      settings    = { ROLLCALL_DIRECTORY_RATE = "6" }
    }
    passwordsweep = {
      description = "Finds the passwords that are due, and begins rotations"
      topic       = "passwordsweep"
      publishers  = ["admin"]
      secrets     = ["password-key"]
      timeout     = 120
      concurrency = 1
      instances   = 2
      settings    = { ROLLCALL_DIRECTORY_RATE = "30" }
    }
  }
  # Over-scheduled on purpose: the job decides what is due.
  schedules = {
    reconcile     = "*/5 * * * *"
    directorysync = "*/15 * * * *"
    passwordsweep = "* * * * *"
  }

  directory_secrets = ["ldap-bind-*", "workspace-key-*"]

  secrets = ["identifier-key", "password-key", "play-key"]

  topic_prefix = "rollcall-"

  # Each function has this address too, beside the one of its own, so that devices
  # need one host for all without a load balancer.
  public_url = coalesce(var.public_url, "https://${var.region}-${var.project}.cloudfunctions.net")

  # Google's front end appends one address to X-Forwarded-For, a load balancer two.
  # Whoever went past the load balancer would name the address themselves that their
  # wrong passwords are counted for, so with one there is no other way to what devices
  # call.
  proxies = var.public_url == null ? "1" : "2"
  ingress = var.public_url == null ? "ALLOW_ALL" : "ALLOW_INTERNAL_AND_GCLB"

  # A service account asks for a token for admin's address; a person's gcloud knows
  # one audience only, its own.
  admin_audiences = concat(
    ["${local.public_url}/admin"],
    anytrue([for member in var.admins : startswith(member, "user:")]) ? ["32555940559.apps.googleusercontent.com"] : [],
  )

  settings = merge({
    ROLLCALL_STORE              = "firestore"
    ROLLCALL_BUS                = "pubsub"
    ROLLCALL_SECRETS            = "secretmanager"
    ROLLCALL_PROJECT            = var.project
    ROLLCALL_FIRESTORE_DATABASE = module.store.database
    ROLLCALL_TOPIC_PREFIX       = local.topic_prefix
    ROLLCALL_PUBLIC_URL         = local.public_url
    ROLLCALL_PROXIES            = local.proxies
    ROLLCALL_ADMIN_EMAILS       = join(",", [for member in var.admins : split(":", member)[1]])
    ROLLCALL_ADMIN_AUDIENCES    = join(",", local.admin_audiences)
  }, var.settings)
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "this" {
  for_each = toset([
    "admin.googleapis.com",
    "androidenterprise.googleapis.com",
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudidentity.googleapis.com",
    "cloudscheduler.googleapis.com",
    "firestore.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

module "store" {
  source = "../store"

  project  = var.project
  location = var.store_location
  protect  = var.protect

  depends_on = [google_project_service.this]
}

# The secrets have no value here, for Terraform keeps what it sets in its state.
# The README says how each gets one.
resource "google_secret_manager_secret" "this" {
  for_each = toset(local.secrets)

  project   = var.project
  secret_id = each.value

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

module "http" {
  source   = "../function_http"
  for_each = local.http

  project               = var.project
  project_number        = data.google_project.this.number
  region                = var.region
  name                  = each.key
  description           = each.value.description
  bucket                = google_storage_bucket.archives.name
  build_dir             = var.build_dir
  build_service_account = google_service_account.build.id
  settings              = merge(local.settings, try(each.value.settings, {}), var.settings)
  secrets               = each.value.secrets
  network               = try(each.value.network, false) ? var.network : null
  invokers              = each.value.public ? ["allUsers"] : var.admins
  ingress               = each.value.public ? local.ingress : "ALLOW_ALL"
  timeout_seconds       = each.value.timeout
  memory                = try(each.value.memory, "512Mi")
  concurrency           = try(each.value.concurrency, 80)
  min_instances         = each.value.public ? var.warm_instances : 0
  max_instances         = try(each.value.instances, var.max_instances)

  depends_on = [google_secret_manager_secret.this, google_project_iam_member.build]
}

module "event" {
  source   = "../function_http"
  for_each = local.event

  project               = var.project
  project_number        = data.google_project.this.number
  region                = var.region
  name                  = each.key
  description           = each.value.description
  bucket                = google_storage_bucket.archives.name
  build_dir             = var.build_dir
  build_service_account = google_service_account.build.id
  settings              = merge(local.settings, try(each.value.settings, {}), var.settings)
  secrets               = each.value.secrets
  network               = try(each.value.network, false) ? var.network : null
  timeout_seconds       = each.value.timeout
  concurrency           = each.value.concurrency
  max_instances         = each.value.instances

  depends_on = [google_secret_manager_secret.this, google_project_iam_member.build]
}

locals {
  members = merge({ for name, f in module.http : name => f.member }, { for name, f in module.event : name => f.member })
}

module "delivery" {
  source   = "../function_event"
  for_each = local.event

  project           = var.project
  pubsub_agent      = local.pubsub_agent
  region            = var.region
  topic_prefix      = local.topic_prefix
  dead_letter_topic = google_pubsub_topic.dead.id
  function          = { name = module.event[each.key].name, uri = module.event[each.key].uri }
  topic             = each.value.topic
  timeout_seconds   = each.value.timeout
  publishers        = { for name in each.value.publishers : name => local.members[name] }

  depends_on = [google_pubsub_topic_iam_member.dead]
}

# Cloud Scheduler publishes as its own service agent, which may publish in its project.
resource "google_cloud_scheduler_job" "this" {
  for_each = local.schedules

  project     = var.project
  region      = var.region
  name        = each.key
  description = "Starts ${each.key}"
  schedule    = each.value
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = module.delivery[each.key].topic
    attributes = { source = "schedule" } # the event has no payload, and one of both there must be
  }
}

moved {
  from = google_cloud_scheduler_job.reconcile
  to   = google_cloud_scheduler_job.this["reconcile"]
}

module "alerts" {
  source = "../alerts"

  project               = var.project
  http_functions        = keys(local.http)
  subscriptions         = { for name, d in module.delivery : name => d.subscription }
  dead_letters          = google_pubsub_subscription.dead.name
  notification_channels = var.notification_channels

  depends_on = [google_project_service.this]
}
