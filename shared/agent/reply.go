package agent

import (
	"errors"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// errForm says that a reply is JSON but not what the protocol says.
var errForm = errors.New("a member is missing or has a value that the protocol does not allow")

var (
	deviceIDPattern  = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	directivePattern = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
)

const (
	maxDirectives = 100
	longestRest   = 7 * 24 * time.Hour
)

// decode reads one JSON value: members that are there twice, names in another
// case, wrong types, invalid UTF-8 and trailing data are errors. Unknown members
// are passed over, unlike in requests, so that a server may say more one day.
func decode(body []byte, v any) error { return json.Unmarshal(body, v) }

func readEnroll(body []byte) (r protocol.EnrollReply, err error) {
	if err := decode(body, &r); err != nil {
		return protocol.EnrollReply{}, err
	}
	if !deviceIDPattern.MatchString(r.DeviceID) || checkURL(r.Endpoints.CheckIn) != nil ||
		checkURL(r.Endpoints.Token) != nil || !validRest(r.NextCheckInSeconds) {
		return protocol.EnrollReply{}, errForm
	}
	return r, nil
}

func readCheckIn(body []byte) (r protocol.CheckInReply, err error) {
	if err := decode(body, &r); err != nil {
		return protocol.CheckInReply{}, err
	}
	if r.Directives == nil || len(r.Directives) > maxDirectives || !validRest(r.NextCheckInSeconds) {
		return protocol.CheckInReply{}, errForm
	}
	for _, d := range r.Directives {
		if !directivePattern.MatchString(d.ID) || d.Kind == "" {
			return protocol.CheckInReply{}, errForm
		}
		if d.Kind == protocol.RemoveAccount && !validName(d.AccountName) {
			return protocol.CheckInReply{}, errForm
		}
	}
	return r, nil
}

func readToken(body []byte) (r protocol.TokenReply, err error) {
	if err := decode(body, &r); err != nil {
		return protocol.TokenReply{}, err
	}
	if r.Token == "" || r.NotAfter.IsZero() {
		return protocol.TokenReply{}, errForm
	}
	return r, nil
}

// validRest bounds how long a reply can send a device away.
func validRest(seconds int) bool {
	return seconds >= 1 && seconds <= int(longestRest/time.Second)
}

func validName(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 254 && utf8.ValidString(s) && s == clip(s, 254)
}
