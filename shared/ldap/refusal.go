package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// phase is what was being done when an error came.
type phase int

const (
	atBind phase = iota
	atSearch
)

// refusal turns go-ldap's error into a fault. The server's own text is dropped: a
// server may echo names and passwords in it.
func refusal(ctx context.Context, at phase, err error) error {
	var answer *goldap.Error
	if !errors.As(err, &answer) {
		// Nothing but the connection fails without a code.
		return cut(ctx)
	}
	wrap := func(k fault.Kind, reason, public string) error {
		return fault.Wrap(result(answer.ResultCode), k, reason, "%s", public)
	}
	switch answer.ResultCode {
	case goldap.ErrorNetwork, goldap.ErrorMalformedPacket, goldap.ErrorUnexpectedResponse, goldap.ErrorUnexpectedMessage:
		return cut(ctx)
	case goldap.LDAPResultReferral:
		return referral()
	case goldap.LDAPResultTimeLimitExceeded:
		return wrap(fault.Transient, ReasonTimeLimit, "The directory's server ended the search at its time limit. Raise the limit for the service account.")
	case goldap.LDAPResultSizeLimitExceeded:
		return wrap(fault.Permanent, ReasonSizeLimit, "The directory's server gives no more entries than its size limit. Raise the limit for the service account.")
	case goldap.LDAPResultAdminLimitExceeded:
		return wrap(fault.Permanent, ReasonAdminLimit, "The directory's server ended the search at an administrative limit. Raise the limits for the service account, or index the attributes of the filter.")
	case goldap.LDAPResultBusy, goldap.LDAPResultUnavailable:
		return wrap(fault.Transient, ReasonBusy, "The directory's server is busy or unavailable.")
	case goldap.LDAPResultStrongAuthRequired, goldap.LDAPResultConfidentialityRequired:
		return wrap(fault.Permanent, ReasonTLS, "The directory's server demands TLS. Use ldaps:// or starttls.")
	case goldap.LDAPResultInvalidDNSyntax:
		if at == atBind {
			return wrap(fault.Permanent, ReasonBindRefused, "The DN of the directory's service account is malformed. Write it as the directory shows it.")
		}
		return wrap(fault.Permanent, ReasonBaseMissing, "The base DN is malformed. Write it as the directory shows it, such as ou=people,dc=example,dc=com.")
	case goldap.LDAPResultNoSuchObject:
		if at == atSearch {
			return baseMissing(result(answer.ResultCode))
		}
	case goldap.ErrorFilterCompile, goldap.LDAPResultFilterError, goldap.LDAPResultInappropriateMatching:
		return wrap(fault.Permanent, ReasonFilter, "The filter is malformed. It has the form of RFC 4515, such as (&(objectClass=inetOrgPerson)(mail=*)).")
	}
	if at == atBind {
		return wrap(fault.Permanent, ReasonBindRefused, "The directory's server refuses the service account. Check its DN and its password, and that it is neither locked nor expired.")
	}
	switch answer.ResultCode {
	case goldap.LDAPResultUnavailableCriticalExtension:
		return wrap(fault.Permanent, ReasonIncremental, "The directory's server does not offer the configured way of telling changes here. Leave it to the server (auto).")
	case goldap.LDAPResultInsufficientAccessRights:
		return wrap(fault.Permanent, ReasonAccess, "The directory's service account may not read below the base DN. Give it the right to.")
	case goldap.LDAPResultOperationsError, goldap.LDAPResultInappropriateAuthentication, goldap.LDAPResultInvalidCredentials:
		// Active Directory's way of refusing the anonymous.
		return wrap(fault.Permanent, ReasonBindRefused, "The directory's server answers nobody without a service account. Configure its DN and its password.")
	default:
		return wrap(fault.Permanent, ReasonRefused, fmt.Sprintf("The directory's server refuses the search with LDAP result %d.", answer.ResultCode))
	}
}

// result is a server's answer without the server's text.
type result uint16

func (r result) Error() string {
	return fmt.Sprintf("LDAP result %d (%s)", uint16(r), goldap.LDAPResultCodeMap[uint16(r)])
}

func baseMissing(err error) error {
	return fault.Wrap(err, fault.Permanent, ReasonBaseMissing, "The directory has no entry at the base DN, or does not show it to the service account. Check the base DN and the account's rights.")
}

func referral() error {
	return fault.New(fault.Permanent, ReasonReferral, "Part of the answer is on another server. Use that server's URL, or a base DN that this server holds alone.")
}

// unreachable is for connections that did not come about, cut for those that
// ended.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return fault.Wrap(err, fault.Transient, ReasonUnreachable, "The directory's server cannot be reached. Check its name and port, and that a firewall lets this service through.")
}

func cut(ctx context.Context) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return fault.New(fault.Transient, ReasonCut, "The connection to the directory's server ended before the answer was complete.")
}

func ended(ctx context.Context) error {
	return fault.Wrap(ctx.Err(), fault.Transient, ReasonDeadline, "The time for asking the directory's server ended.")
}

// answered reports whether err is one of these answers of the server.
func answered(err error, codes ...uint16) bool {
	var r result
	return errors.As(err, &r) && slices.Contains(codes, uint16(r))
}
