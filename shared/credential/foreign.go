package credential

import "github.com/rollcall-emm/rollcall/shared/fault"

// takeKey is where a right file is made.
const takeKey = "make one in Google Cloud's console under IAM & Admin, Service Accounts, Keys, Add key, JSON"

// foreign says what a JSON file is that is no service account's key file.
func foreign(m members) error {
	for _, client := range []string{"web", "installed"} {
		if _, ok := m[client]; ok {
			return fault.Field(client, "this is an OAuth client's file, with which people sign in by themselves; a service account's key file is needed: %s", takeKey)
		}
	}
	switch m.text("type") {
	case "authorized_user", "external_account_authorized_user":
		return fault.Field("type", "this is a person's own sign-in, as gcloud keeps it (authorized_user), whose type is not service_account; "+
			"a service account's key file is needed: %s", takeKey)
	case "external_account":
		return fault.Field("type", "this file is of workload identity federation (external_account), holds no key and has a type that is not service_account; "+
			"to do without a key import the service account as keyless, or %s", takeKey)
	case "impersonated_service_account":
		return fault.Field("type", "this file lets a person act as a service account (impersonated_service_account), and its type is not service_account; "+
			"to do without a key import the service account as keyless, or %s", takeKey)
	case typeKeyless:
		return fault.Field("type", "this is a keyless credential, which is no key file: its type is not service_account; import the service account as keyless")
	default:
		return fault.Field("type", "give the key file of a service account, whose type is service_account; %s", takeKey)
	}
}
