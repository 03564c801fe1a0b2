package doctor

import (
	"fmt"
	"time"
)

const (
	// clockWell is how far off a clock may be without a word. Google's Date header
	// tells whole seconds, and an answer takes time.
	clockWell = 10 * time.Second
	// clockBad is how far off no assertion passes: Google allows five minutes beyond
	// its hour ("Using OAuth 2.0 for Server to Server Applications").
	clockBad = 5 * time.Minute
)

// Clock says how this machine's clock stands, which is ahead of Google's by off.
func Clock(off time.Duration) Line {
	l := Line{Group: Credential, Check: "clock", Where: AtMachine}
	by := roughly(off.Abs())
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	switch {
	case off.Abs() <= clockWell:
		l.Status, l.What, l.Where = Pass, "The clock agrees with Google's.", ""
		return l
	case off.Abs() < clockBad:
		l.Status, l.What = Warn, fmt.Sprintf("The clock is %s %s Google's; from about %s on Google takes no proof of the service account.", by, way, roughly(clockBad))
	default:
		l.Status, l.What = Fail, fmt.Sprintf("The clock is %s %s Google's, so Google takes no proof of the service account.", by, way)
	}
	l.Advice = "Set the clock right, and keep it so by NTP."
	return l
}

// roughly writes a time in seconds or minutes.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d seconds", d.Round(time.Second)/time.Second)
	}
	return fmt.Sprintf("%d minutes", d.Round(time.Minute)/time.Minute)
}
