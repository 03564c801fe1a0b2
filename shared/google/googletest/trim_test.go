package googletest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrimKeepsNamedResources(t *testing.T) {
	t.Parallel()
	const doc = `{"id": "x:v1", "resources": {
	  "a": {"methods": {"get": {"id": "x.a.get", "httpMethod": "GET", "path": "a", "request": {"$ref": "A"}}}},
	  "b": {"methods": {"get": {"id": "x.b.get", "httpMethod": "GET", "path": "b", "request": {"$ref": "B"}}}}},
	 "schemas": {"A": {"properties": {"part": {"type": "array", "items": {"$ref": "Part"}}}},
	   "Part": {"properties": {"whole": {"$ref": "A"}}}, "B": {"type": "object"}}}`
	trimmed, err := TrimDiscovery([]byte(doc), "a")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDiscovery(trimmed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x.a.get"}, d.MethodIDs()); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	var names []string
	for name := range d.Schemas {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"A", "Part"}, names); diff != "" {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
}

func TestRefuseAfterDoesTheCall(t *testing.T) {
	t.Parallel()
	f := NewFaults(FaultOptions{})
	f.Add(Script{Method: "m", Mode: RefuseAfter, Status: 409, Message: "Entity already exists.", Times: 1})
	done := 0
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { done++; WriteJSON(w, nil) })
	w := httptest.NewRecorder()
	f.Serve(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), "m", next)
	if w.Code != 409 || done != 1 || !strings.Contains(w.Body.String(), `"Entity already exists."`) {
		t.Errorf("status %d, done %d times: %s", w.Code, done, w.Body)
	}
	if diff := cmp.Diff(map[Count]int{{"m", 409}: 1}, f.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
