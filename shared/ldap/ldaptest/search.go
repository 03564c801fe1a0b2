package ldaptest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jimlambrt/gldap"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// search answers one search request.
func (s *Server) search(w *gldap.ResponseWriter, r *gldap.Request) {
	s.count.searches.Add(1)
	m, err := r.GetSearchMessage()
	if err != nil {
		return
	}
	f := s.fault()
	q := &query{
		faults: f, SearchMessage: m, conn: r.ConnectionID(), limit: s.opt.SizeLimit,
		page: control[*gldap.ControlPaging](m.Controls), deleted: control[*gldap.ControlMicrosoftShowDeleted](m.Controls) != nil,
	}
	if f.SizeLimit > 0 {
		q.limit = f.SizeLimit
	}
	number := 0
	s.mu.Lock()
	session := s.session(q.conn)
	if q.page != nil {
		session.pages++
		number = session.pages
		s.count.pages.Add(1)
	}
	bound := session.bound
	s.mu.Unlock()
	f.tell(Request{Operation: "search", DN: m.BaseDN, Filter: m.Filter, Attributes: m.Attributes, Page: number})

	var a answer
	switch {
	case m.BaseDN == "" && m.Scope == gldap.BaseObject:
		a = s.rootDSE()
	case !bound:
		a.code = gldap.ResultInsufficientAccessRights
		if s.opt.Schema == directory.ActiveDirectory {
			a.code = gldap.ResultOperationsError
		}
	default:
		a = s.tree.answer(q)
	}
	given := a.entries
	cut := f.CutPage > 0 && number == f.CutPage
	if cut {
		given = given[:len(given)/2]
	}
	for _, e := range given {
		entry := r.NewSearchResponseEntry(e.dn)
		for _, p := range e.attributes {
			entry.AddAttribute(p.name, p.values)
		}
		if w.Write(entry) != nil {
			return
		}
	}
	s.count.entries.Add(int64(len(given)))
	if cut {
		s.front.backend.cut(q.conn)
		return
	}
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(a.code))
	done.SetDiagnosticMessage("search of " + m.Filter)
	done.SetControls(a.controls...)
	_ = w.Write(done)
}

// query is a search request with what else decides on the answer.
type query struct {
	*gldap.SearchMessage
	faults  Faults
	conn    int
	limit   int
	page    *gldap.ControlPaging
	deleted bool
}

type answer struct {
	code     int
	entries  []rendered
	controls []gldap.Control
}

type rendered struct {
	dn         string
	attributes []values
}

type values struct {
	name   string
	values []string
}

// control returns the control of a type, nil where there is none.
func control[T any](controls []gldap.Control) (found T) {
	for _, c := range controls {
		if v, ok := c.(T); ok {
			return v
		}
	}
	return found
}

// answer evaluates a search below the base.
func (t *tree) answer(q *query) answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	base, err := keyOf(q.BaseDN)
	if err != nil {
		return answer{code: gldap.ResultInvalidDNSyntax}
	}
	if t.byKey[base] == nil {
		return answer{code: gldap.ResultNoSuchObject}
	}
	match, err := t.compile(q.Filter)
	if err != nil {
		return answer{code: gldap.ResultProtocolError}
	}
	if q.faults.Empty && q.Scope != gldap.BaseObject {
		return answer{code: gldap.ResultSuccess}
	}
	if c, ok := dirSyncOf(q.Controls); ok && t.schema == directory.ActiveDirectory {
		return t.dirSync(q, base, match, c)
	}
	a := t.page(q, base, match)
	if q.faults.Result != 0 && q.Scope != gldap.BaseObject {
		a.code, a.controls = q.faults.Result, nil
	}
	return a
}

// page finds the entries of a page.
func (t *tree) page(q *query, base string, match filter) answer {
	from, given, ok := t.resume(q)
	if !ok {
		return answer{code: gldap.ResultUnwillingToPerform}
	}
	nodes, listed := match.candidates()
	if listed {
		nodes = slices.Clone(nodes)
		slices.SortFunc(nodes, func(a, b *node) int { return int(a.seq - b.seq) })
		nodes = slices.Compact(nodes)
		nodes = slices.DeleteFunc(nodes, func(n *node) bool { return n.seq <= from })
	} else {
		i, _ := t.position(from + 1)
		nodes = t.order[i:]
	}
	size := len(nodes)
	if q.page != nil && q.page.PagingSize > 0 {
		size = int(q.page.PagingSize)
	}
	var a answer
	last := from
	for _, n := range nodes {
		if n.deleted && !q.deleted || !inScope(n.key, base, q.Scope) || !match.match(n) {
			continue
		}
		if len(a.entries) == size {
			a.controls = []gldap.Control{&gldap.ControlPaging{Cookie: fmt.Appendf(nil, "%d.%d.%d", q.conn, last, given)}}
			return a
		}
		if q.limit > 0 && given == q.limit || q.SizeLimit > 0 && given == int(q.SizeLimit) {
			a.code = gldap.ResultSizeLimitExceeded
			return a
		}
		a.entries = append(a.entries, t.render(n, q.Attributes))
		last = n.seq
		given++
	}
	if q.page != nil {
		a.controls = []gldap.Control{&gldap.ControlPaging{}}
	}
	return a
}

// resume reads the cookie of a page: after which entry to go on, and how many were
// given. A cookie is good on its own connection only.
func (t *tree) resume(q *query) (from int64, given int, ok bool) {
	if q.page == nil || len(q.page.Cookie) == 0 {
		return 0, 0, true
	}
	var conn int
	_, err := fmt.Sscanf(string(q.page.Cookie), "%d.%d.%d", &conn, &from, &given)
	return from, given, err == nil && conn == q.conn
}

func inScope(key, base string, scope gldap.Scope) bool {
	switch scope {
	case gldap.BaseObject:
		return key == base
	case gldap.SingleLevel:
		return parentKey(key) == base
	default:
		return key == base || strings.HasSuffix(key, ","+base)
	}
}
