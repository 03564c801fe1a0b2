# The Firestore database. A document has four fields: body (the record), index (a
# map of the values by which it is found), expires, and nothing else. Firestore
# indexes each field by itself unless told otherwise, so the map needs no
# composite index.

resource "google_firestore_database" "this" {
  project     = var.project
  name        = var.database
  location_id = var.location
  type        = "FIRESTORE_NATIVE"

  point_in_time_recovery_enablement = var.protect ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
}

# Firestore drops a document some time after expires. That field is not indexed:
# it grows with time, and an index of such values is one hot spot.
resource "google_firestore_field" "expires" {
  for_each = toset(var.collections)

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.value
  field      = "expires"

  ttl_config {}
  index_config {}
}

# Nothing is found by its body: an index of it would multiply the price of each
# write, and limit the body to 1,500 bytes.
resource "google_firestore_field" "body" {
  for_each = toset(var.collections)

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.value
  field      = "body"

  index_config {}
}
