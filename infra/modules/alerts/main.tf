# Alerts, all from one table. Each has a playbook of its name in infra/playbooks,
# which is also the text of the alert: who is woken reads what to do at once, and a
# row without a playbook cannot be planned.

locals {
  requests  = "run_googleapis_com:request_count"
  latencies = "run_googleapis_com:request_latencies_bucket"
  age       = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
  service   = "monitored_resource=\"cloud_run_revision\",service_name"
  queue     = "monitored_resource=\"pubsub_subscription\",subscription_id"

  http = join("|", var.http_functions)
  # Whom a device waits for. An examination by admin, and a batch of mailtoken that
  # nothing is kept for, take up to half a minute by design.
  prompt = join("|", [for f in var.http_functions : f if !contains(["admin", "mailtoken"], f)])

  # Lines of functions' logs that are counted, by the words in them that "by" names.
  # "from" is the folder whose code writes the line.
  lines = {
    quarantined = {
      functions = ["directorysync"]
      from      = "functions/directorysync"
      message   = "directory run quarantined"
      and       = ""
      by        = ["enterprise"]
    }
    failed = {
      functions = ["directorysync"]
      from      = "functions/directorysync"
      message   = "directory run ended"
      and       = "AND jsonPayload.phase=\"failed\" AND jsonPayload.kind=\"sync\""
      by        = ["enterprise"]
    }
    password = {
      functions = ["passwordpush", "checkin"]
      from      = "shared/password/push"
      message   = "password not accepted"
      and       = ""
      by        = ["enterprise", "reason", "state"]
    }
    # Once for each outage in each instance; without an enterprise it is Google Play's.
    credential = {
      functions = ["admin", "checkin", "directorysync", "mailtoken", "passwordpush", "provision", "reconcile", "token"]
      from      = "shared/google"
      message   = "google does not accept the service account's credential"
      and       = ""
      by        = ["enterprise"]
    }
    # Passwords that Google has accepted are not pushed: that they do not open is seen
    # where a device is to get one, and that none can be made, where one needs it.
    unopened = {
      functions = ["checkin"]
      from      = "functions/checkin"
      message   = "mail settings cannot be prepared"
      and       = ""
      by        = ["enterprise", "reason"]
    }
    unmade = {
      functions = ["checkin"]
      from      = "functions/checkin"
      message   = "a password cannot be asked for"
      and       = ""
      by        = ["enterprise", "reason"]
    }
  }
  line = { for name, l in local.lines : name => "logging_googleapis_com:user_rollcall_${name}" }

  services = {
    for name, l in local.lines : name => join(" OR ", [for f in l.functions : "resource.labels.service_name=\"${f}\""])
  }

  words = {
    enterprise = "The enterprise's id"
    reason     = "Why, in one word"
    state      = "What became of it"
  }

  run = "monitored_resource=\"cloud_run_revision\""

  # What keeps a whole enterprise's passwords from Google until somebody mends it. It
  # fails nobody for days (the policy's deferralHours), so it is to be seen before.
  barred = join("|", [
    "google-config", "google-key", "google-not-configured", "google-subject",
    "password-key-damaged", "password-key-missing", "password-key-unknown", "secret.*",
    "workspace-domain", "workspace-read-only", "workspace-subject-rights",
  ])

  # query is true while something is wrong. A job that should go on by itself is
  # watched by its progress, so that it is missed also when nothing runs at all.
  alerts = {
    ReconcileNotProgressing = {
      severity  = "CRITICAL"
      condition = "No reconcile run has succeeded for 20 minutes"
      query     = "(sum(increase(${local.requests}{${local.service}=\"reconcile\",response_code_class=\"2xx\"}[20m])) or vector(0)) < 1"
    }
    ProvisionNotProgressing = {
      severity  = "CRITICAL"
      condition = "A provision event waits for 15 minutes, and none has succeeded meanwhile"
      query     = "max(${local.age}{${local.queue}=\"${var.subscriptions["provision"]}\"}) > 900 and on() (sum(increase(${local.requests}{${local.service}=\"provision\",response_code_class=\"2xx\"}[15m])) or vector(0)) < 1"
    }
    DirectoryNotProgressing = {
      severity  = "CRITICAL"
      condition = "No event of directorysync has been handled for 50 minutes"
      query     = "(sum(increase(${local.requests}{${local.service}=\"directorysync\",response_code_class=\"2xx\"}[50m])) or vector(0)) < 1"
    }
    DirectoryRunQuarantined = {
      severity  = "WARNING"
      condition = "A directory run waits for an administrator's decision"
      query     = "sum by (enterprise) (increase(${local.line.quarantined}{${local.run}}[30m])) > 0"
    }
    DirectoryRunsFailing = {
      severity  = "CRITICAL"
      condition = "Two directory runs of an enterprise have failed one after the other"
      query     = "sum by (enterprise) (increase(${local.line.failed}{${local.run}}[150m])) > 1"
    }
    CredentialBroken = {
      severity  = "CRITICAL"
      condition = "Google does not accept the service account of an enterprise, or that of Google Play"
      query     = "sum by (enterprise) (increase(${local.line.credential}{${local.run}}[2h])) > 0"
    }
    PasswordsFailing = {
      severity  = "WARNING"
      condition = "More than ten passwords of an enterprise were given up in an hour for one reason, or none can reach Google or a device"
      query     = "sum by (enterprise, reason) (increase(${local.line.password}{${local.run},state=\"failed\",reason!=\"password-person-away\"}[1h])) > 10 or sum by (enterprise, reason) (increase(${local.line.password}{${local.run},reason=~\"${local.barred}\"}[90m])) > 0 or sum by (enterprise, reason) (increase(${local.line.unopened}{${local.run},reason=~\"${local.barred}\"}[90m])) > 0 or sum by (enterprise, reason) (increase(${local.line.unmade}{${local.run},reason=~\"${local.barred}\"}[90m])) > 0"
    }
    PasswordSweepNotProgressing = {
      severity  = "CRITICAL"
      condition = "No passwordsweep run has succeeded for 15 minutes"
      query     = "(sum(increase(${local.requests}{${local.service}=\"passwordsweep\",response_code_class=\"2xx\"}[15m])) or vector(0)) < 1"
    }
    DeadLetterWaiting = {
      severity  = "WARNING"
      condition = "An event was given up and nobody has replayed it for 10 minutes"
      query     = "max(${local.age}{${local.queue}=\"${var.dead_letters}\"}) > 600"
    }
    ServerErrors = {
      severity  = "CRITICAL"
      condition = "More than 5 % of a function's answers in 10 minutes are its own failures"
      query     = "sum by (service_name) (rate(${local.requests}{${local.service}=~\"${local.http}\",response_code_class=\"5xx\"}[10m])) / sum by (service_name) (rate(${local.requests}{${local.service}=~\"${local.http}\"}[10m])) > 0.05"
    }
    SlowResponses = {
      severity  = "WARNING"
      condition = "One in a hundred answers of a function takes longer than 5 seconds, for 10 minutes"
      query     = "histogram_quantile(0.99, sum by (service_name, le) (rate(${local.latencies}{${local.service}=~\"${local.prompt}\"}[10m]))) > 5000"
    }
  }
}

resource "google_logging_metric" "this" {
  for_each = local.lines

  project     = var.project
  name        = "rollcall_${each.key}"
  description = "Lines of ${join(" and ", each.value.functions)}: ${each.value.message}"
  filter      = "resource.type=\"cloud_run_revision\" AND (${local.services[each.key]}) AND jsonPayload.message=\"${each.value.message}\" ${each.value.and}"

  label_extractors = { for word in each.value.by : word => "EXTRACT(jsonPayload.${word})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    dynamic "labels" {
      for_each = each.value.by

      content {
        key         = labels.value
        description = local.words[labels.value]
      }
    }
  }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  project               = var.project
  display_name          = "Rollcall: ${each.key}"
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = var.notification_channels

  conditions {
    display_name = each.value.condition

    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "120s"
      evaluation_interval = "60s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "Rollcall: ${each.value.condition}"
    content   = file("${path.module}/../../playbooks/${each.key}.md")
  }

  alert_strategy {
    auto_close = "1800s"
  }

  # A query names the metrics by their text alone.
  depends_on = [google_logging_metric.this]
}
