package directorysync

import (
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// hopeless reports whether a failure waits for somebody to change a setting,
// although its kind says that time may mend it.
func hopeless(err error) bool {
	switch fault.ReasonOf(err) {
	case google.ReasonConfig, workspace.ReasonSubjectRights:
		return true
	}
	return false
}

// advices say what to do, by the reason of a run.
var advices = map[string]string{
	reasonUnderWay: "Another run is under way. Wait for its end, or ask for its state with: rollcall directory status.",
	reasonChanged:  "The configuration was changed while the run was under way, so it was ended. The next run takes it into account; start one with: rollcall directory run.",
	reasonEndless:  "The directory was read again and again for a day, and never to its end within the function's time. Give the function directorysync more time, or the run a smaller part of the directory (ldap.baseDn, ldap.filter).",
	reasonRemoved:  "The configuration was removed while the run was under way, so it was ended.",

	directory.BreachEmpty:       "Look whether the base DN, the filter and the rights of the account that reads are right. Nobody loses anything meanwhile. If the directory is empty indeed, approve the run.",
	directory.BreachDrop:        "Look at a few of the people who are said to be missing, in the directory itself. If they are gone, approve the run; else repair what hides them and start another run.",
	directory.BreachGoogleEmpty: "Google sometimes answers with users missing. Wait an hour and start another run; check the domain and the organizational units of the configuration.",
	directory.BreachGoogleDrop:  "Google sometimes answers with users missing. Wait an hour and start another run; if the accounts are gone, approve this one.",
	directory.BreachWithdraw:    "Look at the plan. If so many people left indeed, approve the run; with --additions-only nobody loses anything; else reject it.",
	directory.BreachDelete:      "Look at the plan. If so many accounts are to be deleted indeed, approve the run; with --additions-only none is; else reject it.",
	directory.BreachIncomplete:  "Only a part of the directory could be read. Repair the cause and start another run; approving this one lets additions and changes through and removes nobody.",

	ldap.ReasonUnreachable: "The LDAP server cannot be reached. The run goes on when it can; check the URL, the network and the firewall.",
	ldap.ReasonCut:         "The LDAP server broke its answer off. The run begins reading anew.",
	ldap.ReasonBusy:        "The LDAP server is busy. The run goes on later.",
	ldap.ReasonTimeLimit:   "The LDAP server's time limit ended the search. Raise the limit for the account that reads; the run tries again.",
	ldap.ReasonBindRefused: "The LDAP server refuses the account that reads. Check its DN and set its password again with: rollcall directory configure --bind-password-file FILE.",
	ldap.ReasonCertificate: "The LDAP server's certificate is not trusted. Give the certificate of its authority with: rollcall directory configure --ca-file FILE.",
	ldap.ReasonBaseMissing: "There is no entry with the base DN, or the account that reads may not see it. Check the base DN (--base-dn) and the account's rights.",
	ldap.ReasonFilter:      "The filter, or the DN of a group, is malformed. Write the filter as in RFC 4515, such as (&(objectClass=inetOrgPerson)(mail=*)).",
	ldap.ReasonReferral:    "A part of the directory is on another server. Give the URL of a server that holds all of it, such as Active Directory's global catalogue.",
	ldap.ReasonSizeLimit:   "The LDAP server gives no more entries. Raise its size limit for the account that reads, or allow it paged results.",
	ldap.ReasonAdminLimit:  "An administrative limit of the LDAP server ended the search. Raise it for the account that reads.",
	ldap.ReasonAccess:      "The account that reads may not read what is needed. Give it the right to search and to read the mapped attributes below the base DN.",
	ldap.ReasonIncremental: "The LDAP server does not offer the configured way of telling changes. Set ldap.incremental to auto.",

	google.ReasonConfig:           "Google has not granted the service account what it needs. In Google's admin console, under domain-wide delegation, allow its client id the scopes of the mode (read-write: https://www.googleapis.com/auth/admin.directory.user and https://www.googleapis.com/auth/admin.directory.user.security; else https://www.googleapis.com/auth/admin.directory.user.readonly), and switch the Admin SDK API on.",
	google.ReasonKey:              "To put another credential in its place: rollcall credential import FILE.",
	google.ReasonIdentity:         "Run the function directorysync as a service account that may access the enterprise's secrets, and that has the role Service Account Token Creator on the account of a credential without a key. The run goes on when it can.",
	google.ReasonSubject:          "The administrator whom the service account acts as is unknown to Google or suspended. Name another with: rollcall directory configure --google-subject ADDRESS.",
	workspace.ReasonSubjectRights: "The administrator whom the service account acts as may not read users. Give the role User Management Admin, or name another in google.subject.",
	workspace.ReasonDomain:        "The domain is not one of this Google account. Correct google.domain.",
	google.ReasonPaused:           "Google fails at the moment. The run goes on later.",
	google.ReasonBackend:          "Google fails at the moment. The run goes on later.",
	google.ReasonNetwork:          "Google cannot be reached at the moment. The run goes on later.",
	google.ReasonQuota:            "Google's limit of calls is used up for the moment. The run goes on later.",
	google.ReasonDailyQuota:       "Google's daily limit of calls is used up. The run goes on later.",
	google.ReasonLocalLimit:       "The share of Google's limit of calls that this function has is used up for the moment. The run goes on later; if that is often so, raise ROLLCALL_DIRECTORY_RATE within Google's quota.",
	google.ReasonDeadline:         "Google did not answer in time. The run goes on later.",
	google.ReasonTokenRejected:    "Google did not accept its own access token. The run goes on with a new one; if this stays so, compare the machine's clock with the true time.",
	google.ReasonNotReady:         "Google is still at work on an account. The run goes on later.",
	google.ReasonNotFound:         "Google has no such domain, customer or user. Compare google.domain with Google's admin console, then start another run.",
	google.ReasonDuplicate:        "Google says that it has this already. Start another run, which looks anew.",
	google.ReasonInvalid:          "Google does not understand what it was asked. Check google.domain and google.orgUnits, then start another run.",
	google.ReasonForbidden:        "Google does not let the administrator whom the service account acts as do this. Give the role User Management Admin, or name another in google.subject.",
	google.ReasonLimitExceeded:    "A limit of the contract with Google is reached, such as the number of licences. Buy more or free some, then start another run.",
	google.ReasonRefused:          "Google refuses, for a reason that is not known here. Look into the log of the function directorysync, and at the service account and the API in Google's console.",
}

// adviceOf says what to do about a reason.
func adviceOf(reason string) string {
	if a := advices[reason]; a != "" {
		return a
	}
	return "Nothing was changed by the rest of the run. If this stays so, look into the log of the function directorysync."
}

// adviceFor is adviceOf an error, whose own words are better than none, and come
// first where they say which of several causes it is.
func adviceFor(err error) string {
	f := fault.As(err)
	if f == nil || f.Public == "" {
		return adviceOf(fault.ReasonOf(err))
	}
	a := advices[f.Reason]
	switch {
	case a == "":
		return f.Public
	case f.Reason == google.ReasonKey || f.Reason == google.ReasonIdentity:
		return f.Public + " " + a
	default:
		return a
	}
}

func countsText(c directory.Counts) string {
	return fmt.Sprintf("listed %d, before %d, absent %d, withdraws %d, deletes %d, failed %d, withheld %d",
		c.Listed, c.Before, c.Absent, c.Withdraws, c.Deletes, c.Failed, c.Withheld)
}
