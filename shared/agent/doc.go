// Package agent is the reference agent: what a device does to hold the account
// that Rollcall wants it to hold. It is written to be read and copied; agents in
// other languages follow functions/PROTOCOL.md, which says the same in words.
//
// Client makes the three calls, each with a new proof for each try. Agent keeps
// a device converged: it reports, follows the directives in order, and reports
// what became of them. Play is the device's side of Google Play, and Mail that of its
// mail client.
//
// # Crashes
//
// An Agent may be killed at any moment. What it must not forget is in State, which
// it hands to the caller's Save before it goes on:
//
//   - Keys are saved by the caller before Enroll. A device that enrolled and lost
//     the reply, or died before Save, enrolls again with the same keys and token, or
//     by the same person, and is the same device; no second use of the token is taken.
//   - Before an account is added, State.Adding notes the directive and the
//     accounts that were there. If the agent dies between the addition and its
//     outcome, the next check-in finds exactly one account more than before and
//     reports it as the directive's. With none more, nothing was added, and the
//     directive comes again. With several more it claims none: the server sees
//     accounts that it does not know, has them removed, and starts anew.
//   - An outcome is kept until a check-in that carried it was answered. It may
//     arrive twice, which the server takes as once.
//   - Removing is repeatable: an account that is not there is removed.
//   - So is all that is done to mail settings: a setting that was applied, and whose
//     outcome was not saved, comes again and is applied again. The agent keeps nothing
//     of it, least of all its password.
//
// What a crash can cost is one authentication token, never an account.
package agent
