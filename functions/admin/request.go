package admin

import (
	"encoding/base32"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// request is one admin's request under way.
type request struct {
	*http.Request
	w     http.ResponseWriter
	actor string // "admin:EMAIL" or "admin:local"
}

// page is the form of every listing. Next is where the following page starts and
// is absent at the end; a page that was filtered may hold few items, or none,
// while there is more.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// list answers with a page; an empty one is [], not null.
func list[T any](r *request, items []T, next string) error {
	if items == nil {
		items = []T{}
	}
	return api.WriteJSON(r.w, http.StatusOK, page[T]{Items: items, Next: next})
}

// body reads the request's JSON object strictly into v.
func (r *request) body(v any) error {
	b, err := api.ReadJSON(r.w, r.Request, maxBody)
	if err != nil {
		return err
	}
	return api.Decode(b, v)
}

// query returns the value of a parameter.
func (r *request) query(name string) string { return r.URL.Query().Get(name) }

// accept refuses parameters that the endpoint does not know: a filter with a
// typing error must not list everything.
func (r *request) accept(names ...string) error {
	values := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) {
			return fault.Field(name, "this parameter is not known here; there are: %s", strings.Join(names, ", "))
		}
		if len(values[name]) > 1 {
			return fault.Field(name, "this parameter is there twice")
		}
	}
	return nil
}

const maxLimit = 1000

// page reads ?limit= and ?next=, and refuses parameters other than these and also.
func (r *request) page(also ...string) (record.Page, error) {
	p := record.Page{Limit: 100, Next: r.query("next")}
	if err := r.accept(append(also, "limit", "next")...); err != nil {
		return p, err
	}
	if s := r.query("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return p, fault.Field("limit", "give a number of items from 1 to %d", maxLimit)
		}
		p.Limit = n
	}
	return p, nil
}

// since reads ?since=, which is the beginning of time where it is missing.
func (r *request) since() (time.Time, error) {
	s := r.query("since")
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1 {
		return time.Time{}, fault.Field("since", "give a time in the form of RFC 3339, such as 2026-01-31T09:00:00Z")
	}
	return t, nil
}

var idPattern = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// id returns the path's {id}. What cannot be an id is simply not there.
func (r *request) id(what string) (string, error) {
	id := r.PathValue("id")
	if !idPattern.MatchString(id) {
		return "", missing(what, id)
	}
	return id, nil
}

func missing(what, id string) error {
	return fault.New(fault.NotFound, "not-found", "there is no %s %q", what, id)
}

func methodNotAllowed(methods map[string]action) error {
	allow := slices.Sorted(maps.Keys(methods))
	e := fault.New(fault.Invalid, "method-not-allowed", "this endpoint takes %s only", strings.Join(allow, " and "))
	e.Field = strings.Join(allow, ", ") // the edge puts it into Allow
	return e
}

// filtered reads pages until one holds an item that keep lets through, and no
// more than ten, so that a rare filter neither answers nothing nor reads on for
// ever.
func filtered[T any](p record.Page, read func(record.Page) ([]T, string, error), keep func(T) bool) ([]T, string, error) {
	for range 10 {
		items, next, err := read(p)
		if err != nil {
			return nil, "", err
		}
		items = slices.DeleteFunc(items, func(v T) bool { return !keep(v) })
		if len(items) > 0 || next == "" {
			return items, next, nil
		}
		p.Next = next
	}
	return nil, p.Next, nil
}

// newID returns 16 characters of [a-z2-7].
func newID(random io.Reader) (string, error) { return randomText(random, 16) }

// newRunID returns the id of a new directory run: 26 characters of [a-z2-7].
func newRunID(random io.Reader) (string, error) { return randomText(random, 26) }

func randomText(random io.Reader, n int) (string, error) {
	b := make([]byte, (n*5+7)/8)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:n], nil
}
