package google

import (
	"errors"
	"slices"
	"strings"
)

// The words in which Google says that an API is not enabled in the service account's
// project: those of errors[] and of google.rpc.ErrorInfo.
const (
	SaysNotConfigured   = "accessNotConfigured"
	SaysServiceDisabled = "SERVICE_DISABLED"
	// SaysNoAPIs: the organisation has switched access by APIs off.
	SaysNoAPIs = "domainCannotUseApis"
)

// saidError is the cause of a refusal, with Google's words for it.
type saidError struct {
	text  string
	words []string
}

func (e *saidError) Error() string { return e.text }

// Says reports whether err, an error of Classify, is a refusal for which Google gave
// one of the words, whatever their case. It is for telling apart what has the same
// consequence and another advice.
func Says(err error, words ...string) bool {
	var e *saidError
	return errors.As(err, &e) && slices.ContainsFunc(words, func(w string) bool {
		return slices.ContainsFunc(e.words, func(s string) bool { return strings.EqualFold(s, w) })
	})
}
