# Enterprises' service accounts without a key: Google signs for them, for the functions
# that read enterprises' credentials and so act by them. The role is more than signing;
# one of this project's own with signing alone could not be granted in another project.

locals {
  signers = [for name, f in merge(local.http, local.event) : name if contains(f.secrets, "workspace-key-*")]
}

resource "google_service_account_iam_member" "signs" {
  for_each = { for pair in setproduct(var.keyless_accounts, local.signers) : "${pair[0]} ${pair[1]}" => { account = pair[0], function = pair[1] } }

  service_account_id = "projects/-/serviceAccounts/${each.value.account}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.members[each.value.function]
}
