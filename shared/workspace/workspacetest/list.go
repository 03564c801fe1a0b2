package workspacetest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// pageParams are the parameters that must be the same on every page.
var pageParams = []string{"customer", "domain", "query", "showDeleted", "orderBy", "sortOrder"}

func (s *Server) listUsers(c call) (any, *googletest.Error) {
	cu, domain, refused := s.customerLocked(c)
	if refused != nil {
		return nil, refused
	}
	q, refused := parseQuery(c.Query.Get("query"))
	if refused != nil {
		return nil, refused
	}
	size := 100
	if text := c.Query.Get("maxResults"); text != "" {
		// The checker has seen that it is a number.
		if size, _ = strconv.Atoi(text); size < 1 || size > 500 {
			return nil, invalid("Invalid Input: maxResults")
		}
	}
	from, refused := s.pageStart(c)
	if refused != nil {
		return nil, refused
	}
	s.expireLocked(cu)
	matches := func(r *record) bool {
		return (domain == "" || r.domain() == domain) && q.matches(r)
	}
	page, last := s.page(cu, c, from, size, matches)
	next := ""
	if last != nil {
		next = pageToken{Key: last.key, ID: last.id, Issued: s.opt.Now().UnixNano(), Params: paramsDigest(c)}.encode(s.tokenKey)
	}
	page, next = s.spoilLocked(page, next)
	return s.listReply(c, page, next), nil
}

func (s *Server) pageStart(c call) (position, *googletest.Error) {
	text := c.Query.Get("pageToken")
	if text == "" {
		return position{}, nil
	}
	t, ok := decodePageToken(s.tokenKey, text, s.opt.Now(), s.opt.TokenLife)
	if !ok || !slices.Equal(t.Params, paramsDigest(c)) {
		return position{}, errPageToken
	}
	return position{t.Key, t.ID}, nil
}

func paramsDigest(c call) []byte {
	h := sha256.New()
	for _, name := range pageParams {
		h.Write([]byte(name + "=" + c.Query.Get(name) + "\n"))
	}
	return h.Sum(nil)[:8]
}

// page returns up to size users behind from, and the place of the last one where
// more follow.
func (s *Server) page(cu *customer, c call, from position, size int, matches func(*record) bool) ([]*record, *position) {
	x := &cu.index
	if c.Query.Get("showDeleted") == "true" {
		x = &cu.deleted
	}
	place := emailPosition
	candidates := x.after(from)
	if by := c.Query.Get("orderBy"); (by != "" && by != "email") || c.Query.Get("sortOrder") == "DESCENDING" {
		candidates, place = reorder(x.all(), by, c.Query.Get("sortOrder") == "DESCENDING", from)
	}
	page := make([]*record, 0, min(size, len(candidates)))
	for _, r := range candidates {
		if !matches(r) {
			continue
		}
		if len(page) == size {
			p := place(page[size-1])
			return page, &p
		}
		page = append(page, r)
	}
	return page, nil
}

// reorder sorts anew; only the default order is kept ready.
func reorder(all []*record, by string, down bool, from position) ([]*record, func(*record) position) {
	place := func(r *record) position {
		key := r.email
		switch by {
		case "givenName":
			key = r.given
		case "familyName":
			key = r.family
		}
		return position{strings.ToLower(key), r.id}
	}
	order := func(a, b position) int {
		if down {
			return b.compare(a)
		}
		return a.compare(b)
	}
	out := slices.Clone(all)
	slices.SortFunc(out, func(a, b *record) int { return order(place(a), place(b)) })
	if from != (position{}) {
		i, found := slices.BinarySearchFunc(out, from, func(r *record, p position) int { return order(place(r), p) })
		if found {
			i++
		}
		out = out[i:]
	}
	return out, place
}

func (s *Server) listReply(c call, page []*record, next string) json.RawMessage {
	o := object{b: append(make([]byte, 0, 256+len(page)*320), '{'), mask: c.mask}
	o.text("kind", "admin#directory#users")
	o.text("etag", `"sim-list"`)
	if len(page) > 0 && o.key("users") {
		m, custom := c.mask["users"], cmp.Or(c.Query.Get("projection"), "basic") != "basic"
		for i, r := range page {
			o.b = append(o.b, "[,"[min(i, 1)])
			o.b = s.appendUser(o.b, r, m, custom)
		}
		o.b = append(o.b, ']')
	}
	if next != "" {
		o.text("nextPageToken", next)
	}
	return append(o.b, '}')
}

// expireLocked forgets the users who can no longer be restored.
func (s *Server) expireLocked(cu *customer) {
	limit := s.opt.Now().Add(-s.opt.Retention).UnixNano()
	cu.deleted.sorted = slices.DeleteFunc(cu.deleted.sorted, func(r *record) bool {
		if r.deletedAt() > limit {
			return false
		}
		delete(s.byID, r.id)
		return true
	})
}
