// Package protocol holds the messages between device agents and Rollcall, as
// functions/openapi.yaml describes them for agents in other languages. Every
// request is a POST of one JSON object of at most MaxBody bytes, carries a proof
// in the DPoP header (package proof), and is decoded strictly: unknown members,
// duplicates and names in another case are refused.
package protocol

import (
	"encoding/json"
	"time"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 64 << 10

// EnrollRequest binds the key that signed the request's proof to an enterprise. It
// has exactly one of EnrollmentToken, SignIn and IDToken; the latter two go with
// Enterprise. Printed, logged or marshalled it shows neither password nor ID token;
// Reveal writes what is sent.
type EnrollRequest struct {
	// EnrollmentToken is the token that an admin made, 20 to 100 characters.
	EnrollmentToken string `json:"enrollmentToken,omitempty"`
	// Enterprise is the id of the enterprise whose own credentials are given.
	Enterprise string `json:"enterprise,omitempty"`
	// SignIn is what the person types.
	SignIn *SignIn `json:"signIn,omitempty"`
	// IDToken is an ID token of the enterprise's identity provider in compact form
	// (OpenID Connect Core 1.0), at most 16384 characters, whose nonce is SignInNonce.
	IDToken *Secret `json:"idToken,omitempty"`
	// EncryptionKey is the device's public key as a JWK: EC P-256 (used with
	// ECDH-ES) or RSA of 2048 to 4096 bits (RSA-OAEP-256, for Keystores before
	// Android 12). It must not be the signing key.
	EncryptionKey json.RawMessage `json:"encryptionKey"`
	Device        DeviceInfo      `json:"device"`
}

// SignIn is a person's user id and password in the organisation's directory.
type SignIn struct {
	Username string `json:"username"` // 1 to 128 characters
	Password Secret `json:"password"` // 1 to 256 characters
}

// DeviceInfo describes the device for people; nothing is decided from it.
type DeviceInfo struct {
	Manufacturer string `json:"manufacturer,omitempty"` // at most 64 characters
	Model        string `json:"model,omitempty"`        // at most 64 characters
	SDK          int    `json:"sdk,omitzero"`           // Android API level, 0 to 1000
	Agent        string `json:"agent,omitempty"`        // name/version, at most 64 characters
}

// EnrollReply tells a device who it is and where to go.
type EnrollReply struct {
	DeviceID           string    `json:"deviceId"`
	Endpoints          Endpoints `json:"endpoints"`
	NextCheckInSeconds int       `json:"nextCheckInSeconds"`
}

// Endpoints are absolute URLs; a proof names them exactly.
type Endpoints struct {
	CheckIn string `json:"checkin"`
	Token   string `json:"token"`
}

// AccountState is what a device says of an account it holds.
type AccountState string

// The account states. Invalidated is what the broadcast
// com.google.android.gms.auth.ACCOUNT_REAUTH_REQUIRED tells an agent.
const (
	AccountReady       AccountState = "ready"
	AccountInvalidated AccountState = "invalidated"
)

// Account is a managed Google Play account on the device.
type Account struct {
	// Name is android.accounts.Account#name, 1 to 254 characters.
	Name  string       `json:"name"`
	State AccountState `json:"state"`
}

// CheckInRequest is a device's report.
type CheckInRequest struct {
	// AndroidID is Google Play services' Android ID in lower-case hex, 1 to 16
	// digits, where the agent knows it. By itself it is not worth a write: it is
	// taken in with the next change.
	AndroidID string `json:"androidId,omitempty"`
	// Accounts is every managed Google Play account on the device, at most 20,
	// no name twice. It is required, and empty where there is none.
	Accounts []Account `json:"accounts"`
	// Outcomes tells what became of directives; an agent repeats an outcome
	// until a check-in that carried it was answered. At most 50.
	Outcomes []Outcome `json:"outcomes,omitempty"`
}

// Result is how a directive ended.
type Result string

// The results of a directive.
const (
	Done   Result = "done"
	Failed Result = "failed"
)

// Outcome is what became of one directive.
type Outcome struct {
	DirectiveID string `json:"directiveId"`
	Result      Result `json:"result"`
	// Reason is an open word of [A-Z0-9_], 1 to 64 characters; required with
	// Failed and refused with Done.
	Reason string `json:"reason,omitempty"`
	// Detail is free text for the operator, at most 256 characters, for Failed.
	Detail string `json:"detail,omitempty"`
	// AccountName is the name of the account that addAccount added; required
	// for its Done, so that the account is found by name from then on. Settings
	// have none.
	AccountName string `json:"accountName,omitempty"`
}

// DirectiveKind is what a device is told to do.
type DirectiveKind string

// The kinds of directive. An agent ignores kinds it does not know.
const (
	// AddAccount: fetch a token with the directive's id and add the account.
	AddAccount DirectiveKind = "addAccount"
	// RemoveAccount: remove the named account from the device.
	RemoveAccount DirectiveKind = "removeAccount"
	// ApplySetting: set the device's mail up as the directive's content says, in the
	// place of what the device has of the same setting. Doing it again is harmless.
	ApplySetting DirectiveKind = "applySetting"
	// RemoveSetting: remove what the device has of the setting. Where there is nothing,
	// that is done.
	RemoveSetting DirectiveKind = "removeSetting"
)

// Directive is one thing to do. Directives are done in order: removeSetting,
// removeAccount, applySetting, addAccount. The same directive has the same id each
// time it is sent, and is sent until its outcome is reported.
type Directive struct {
	ID   string        `json:"id"`
	Kind DirectiveKind `json:"kind"`
	// AccountName names the account, for RemoveAccount.
	AccountName string `json:"accountName,omitempty"`
	// AccountType is userAccount or deviceAccount, for AddAccount.
	AccountType string `json:"accountType,omitempty"`
	// Setting is the id of a mail setting, for ApplySetting and RemoveSetting: 1 to 40
	// of a-z, 0-9 and '-'.
	Setting string `json:"setting,omitempty"`
	// Content is a MailSetting, for ApplySetting, where it holds no secret. An agent
	// takes no secret from it.
	Content json.RawMessage `json:"content,omitempty"`
	// Sealed is a compact JWE to the device's encryption key in the place of Content,
	// where it holds a secret; it opens to a SettingClaims object.
	Sealed string `json:"sealed,omitempty"`
}

// CheckInReply is what a device is told.
type CheckInReply struct {
	Directives         []Directive `json:"directives"`
	NextCheckInSeconds int         `json:"nextCheckInSeconds"`
}

// TokenRequest asks for the authentication token of an addAccount directive.
type TokenRequest struct {
	DirectiveID string `json:"directiveId"`
	// AndroidID is as in CheckInRequest. With it, Google Play's own word that the
	// account is on the device counts as well as the device's.
	AndroidID string `json:"androidId,omitempty"`
}

// TokenReply carries an authentication token that only the device can read.
type TokenReply struct {
	// Token is a compact JWE to the device's encryption key; it opens to a
	// TokenClaims object.
	Token string `json:"token"`
	// NotAfter is when the token is given up; add the account before then.
	NotAfter time.Time `json:"notAfter"`
}

// TokenClaims is the plaintext of TokenReply.Token. It repeats what the token is
// for, so that a reply cannot be passed off as the answer to another request.
type TokenClaims struct {
	DeviceID    string `json:"deviceId"`
	DirectiveID string `json:"directiveId"`
	// Token is Google Play's single-use authentication token.
	Token string `json:"token"`
}

// Problem is the body of every reply that is not 2xx (RFC 9457), with media type
// application/problem+json.
type Problem struct {
	// Type is "about:blank", or urn:rollcall:problem:REASON where a program may
	// want to tell this problem from others of its status.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Field is the JSON path of the offending member.
	Field string `json:"field,omitempty"`
	// ServerTime is the server's clock in seconds since 1970, with 401 only: the
	// same in every refusal, for an agent whose clock may be wrong.
	ServerTime int64 `json:"serverTime,omitzero"`
}
