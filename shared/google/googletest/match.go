package googletest

import (
	"net/url"
	"strings"
)

// match holds the escaped segments of a path against those of a method and
// returns the variables, unescaped. A variable may have a fixed end, as in
// {userKey}:action, and is never empty.
func match(want, got []string) (map[string]string, bool) {
	vars := map[string]string{}
	for i, w := range want {
		if !strings.HasPrefix(w, "{") {
			if w != got[i] {
				return nil, false
			}
			continue
		}
		name, end, _ := strings.Cut(w[1:], "}")
		value, ok := strings.CutSuffix(got[i], end)
		if !ok {
			return nil, false
		}
		value, err := url.PathUnescape(value)
		if err != nil || value == "" {
			return nil, false
		}
		vars[strings.TrimPrefix(name, "+")] = value
	}
	return vars, true
}
