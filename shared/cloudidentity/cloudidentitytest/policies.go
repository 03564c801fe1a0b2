package cloudidentitytest

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// Policy is a policy as tests make one.
type Policy struct {
	// Setting is Google's name without "settings/", such as "security.password".
	Setting string
	// OrgUnit and Group are ids without "orgUnits/" and "groups/"; an empty OrgUnit
	// is "root".
	OrgUnit, Group string
	// Licence, such as "/product/Google-Apps/sku/1010020026", limits the policy.
	Licence string
	// System: it is Google's own default.
	System bool
	// Order is unique among the policies of a setting; 0 takes the next.
	Order float64
	// Value holds the fields.
	Value map[string]any
}

// AddPolicy adds a policy.
func (s *Server) AddPolicy(p Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.OrgUnit == "" {
		p.OrgUnit = "root"
	}
	if p.Order == 0 {
		p.Order = float64(len(s.policies) + 1)
	}
	s.policies = append(s.policies, p)
}

// ClearPolicies drops all.
func (s *Server) ClearPolicies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policies = nil
}

func bad(message string) *googletest.Error {
	return &googletest.Error{Status: http.StatusBadRequest, Reason: "badRequest", Message: message}
}

// list answers policies.list.
func (s *Server) list(c googletest.Call) (any, *googletest.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.admins[strings.ToLower(c.Grant.Subject)] {
		return nil, &googletest.Error{Status: http.StatusForbidden, Reason: "forbidden", Message: "The caller does not have permission"}
	}
	keep, refused := parseFilter(c.Query.Get("filter"))
	if refused != nil {
		return nil, refused
	}
	size := 50
	if n, err := strconv.Atoi(c.Query.Get("pageSize")); err == nil && n > 0 {
		size = n
	}
	size = min(size, s.maxPage)
	from, refused := s.pageLocked(c)
	if refused != nil {
		return nil, refused
	}
	var found []map[string]any
	for i, p := range s.policies {
		if keep("settings/" + p.Setting) {
			found = append(found, p.wire(i))
		}
	}
	from = min(from, len(found))
	end := min(from+size, len(found))
	reply := map[string]any{}
	if end > from {
		reply["policies"] = found[from:end]
	}
	if end < len(found) {
		reply["nextPageToken"] = pageToken(c.Query.Get("filter"), end)
	}
	return reply, nil
}

// pageToken is good for the same filter alone.
func pageToken(filter string, from int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(from) + " " + filter))
}

func (s *Server) pageLocked(c googletest.Call) (int, *googletest.Error) {
	token := c.Query.Get("pageToken")
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	at, filter, _ := strings.Cut(string(raw), " ")
	from, aerr := strconv.Atoi(at)
	if err != nil || aerr != nil || from < 0 || filter != c.Query.Get("filter") {
		return 0, bad("The page token is not valid for this request.")
	}
	return from, nil
}

var (
	typeClause     = regexp.MustCompile(`^setting\.type\.matches\('((?:[^'\\]|\\\\|\\')*)'\)$`)
	customerClause = regexp.MustCompile(`^customer\s*==\s*["']customers/my_customer["']$`)
)

// parseFilter returns what the filter keeps, by the type of the setting.
func parseFilter(filter string) (func(string) bool, *googletest.Error) {
	var patterns []*regexp.Regexp
	if filter != "" {
		for clause := range strings.SplitSeq(filter, "&&") {
			clause = strings.TrimSpace(clause)
			if m := typeClause.FindStringSubmatch(clause); m != nil {
				p, err := regexp.Compile(strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(m[1]))
				if err != nil {
					return nil, bad("Invalid filter.")
				}
				patterns = append(patterns, p)
			} else if !customerClause.MatchString(clause) {
				return nil, bad("Invalid filter.")
			}
		}
	}
	if len(patterns) > 1 {
		return nil, bad("Invalid filter.")
	}
	return func(t string) bool {
		return !slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return !p.MatchString(t) })
	}, nil
}

func (p Policy) wire(i int) map[string]any {
	clauses := []string{"entity.org_units.exists(org_unit, org_unit.org_unit_id == orgUnitId('" + p.OrgUnit + "'))"}
	query := map[string]any{"orgUnit": "orgUnits/" + p.OrgUnit, "sortOrder": p.Order}
	if p.Group != "" {
		query["group"] = "groups/" + p.Group
		clauses = append(clauses, "entity.groups.exists(group, group.group_id == groupId('"+p.Group+"'))")
	}
	if p.Licence != "" {
		clauses = append(clauses, "entity.licenses.exists(license, license in ['"+p.Licence+"'])")
	}
	query["query"] = strings.Join(clauses, " && ")
	kind := "ADMIN"
	if p.System {
		kind = "SYSTEM"
	}
	value := p.Value
	if value == nil {
		value = map[string]any{}
	}
	return map[string]any{
		"name": "policies/p" + strconv.Itoa(i), "customer": "customers/C01", "type": kind, "policyQuery": query,
		"setting": map[string]any{"type": "settings/" + p.Setting, "value": value},
	}
}
