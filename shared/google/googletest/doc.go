// Package googletest has what simulators of Google's APIs share: an OAuth token
// endpoint that verifies assertions, a checker that holds requests against
// Google's discovery documents, and scripted faults.
//
// A simulator answers as Google documents it, refuses what Google does not
// document, and fails where a script says so. Nothing here keeps state outside
// the values that it makes, so that tests may run side by side.
package googletest
