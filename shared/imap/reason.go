package imap

// Reasons of the faults that Check returns. Programs may switch on them; the kind of
// fault that goes with each stands beside it.
const (
	// ReasonToken (Permanent): the server does not take the token. Most servers,
	// Gmail's among them, do not say why: it has ended or was revoked, or it is as
	// ReasonMailbox or ReasonScope.
	ReasonToken = "imap-token"
	// ReasonMailbox (Permanent): the token is good, and for another mailbox.
	ReasonMailbox = "imap-mailbox"
	// ReasonScope (Permanent): the token is good, and its scope does not cover mail.
	ReasonScope = "imap-scope"
	// ReasonOff (Permanent): IMAP is turned off for the mailbox or its domain.
	ReasonOff = "imap-off"
	// ReasonBusy (Exhausted): too many connections to the mailbox, or its limit of
	// traffic is reached.
	ReasonBusy = "imap-busy"
	// ReasonRefused (Permanent): a refusal that this package does not know.
	ReasonRefused = "imap-refused"
	// ReasonMechanism (Permanent): the server does not offer XOAUTH2.
	ReasonMechanism = "imap-mechanism"
	// ReasonServer (Transient): the server says that it has a fault.
	ReasonServer = "imap-server"
	// ReasonProtocol (Permanent): what listens there does not speak IMAP.
	ReasonProtocol = "imap-protocol"
	// ReasonNetwork (Transient): the server was not reached, or was lost on the way.
	ReasonNetwork = "imap-network"
	// ReasonDeadline (Transient): the time ended before the server answered.
	ReasonDeadline = "imap-deadline"
	// ReasonCertificate (Permanent): the server's certificate has ended, is for
	// another name, or comes from an unknown authority.
	ReasonCertificate = "imap-certificate"
	// ReasonTLS (Permanent): the server and Rollcall do not agree on TLS.
	ReasonTLS = "imap-tls"
)
