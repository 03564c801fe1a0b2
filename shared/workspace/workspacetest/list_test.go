package workspacetest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oauthgoogle "golang.org/x/oauth2/google"
	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func asAPI(err error, e **googleapi.Error) bool { return errors.As(err, e) }

// decode reads an answer as it is on the wire.
func (b *bench) decode(t *testing.T, path string, v any) {
	t.Helper()
	conf, err := oauthgoogle.JWTConfigFromJSON(b.account.JSON, admin.AdminDirectoryUserScope)
	if err != nil {
		t.Fatal(err)
	}
	conf.Subject = boss
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := conf.Client(t.Context()).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) seed(t *testing.T, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		if _, err := b.AddUser(workspacetest.User{PrimaryEmail: a, GivenName: strings.ToUpper(a[:1]), FamilyName: "Example"}); err != nil {
			t.Fatal(err)
		}
	}
}

func addresses(us []*admin.User) []string {
	var out []string
	for _, u := range us {
		out = append(out, u.PrimaryEmail)
	}
	return out
}

func TestListOrdersAndPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	b.seed(t, "Delta@example.com", "bravo@example.com", "Charlie@example.net", "alpha@example.com")
	all := []string{boss, "alpha@example.com", "bravo@example.com", "Charlie@example.net", "Delta@example.com"}
	for _, tc := range []struct {
		name string
		call func(*admin.UsersListCall) *admin.UsersListCall
		want []string
	}{
		{"default", func(c *admin.UsersListCall) *admin.UsersListCall { return c }, all},
		{"down", func(c *admin.UsersListCall) *admin.UsersListCall { return c.SortOrder("DESCENDING") },
			[]string{all[4], all[3], all[2], all[1], all[0]}},
		{"family name", func(c *admin.UsersListCall) *admin.UsersListCall {
			return c.OrderBy("familyName").Query("familyName=Example")
		}, nil},
	} {
		for size := int64(1); size <= 6; size++ {
			var got []string
			token := ""
			for {
				page, err := tc.call(b.api.Users.List().Customer("my_customer").MaxResults(size)).PageToken(token).Do()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, addresses(page.Users)...)
				if token = page.NextPageToken; token == "" {
					break
				}
			}
			if tc.want == nil {
				slices.Sort(got)
				if len(slices.Compact(got)) != 4 {
					t.Errorf("%s by %d: %v", tc.name, size, got)
				}
				continue
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s by %d (-want +got):\n%s", tc.name, size, diff)
			}
		}
	}
	page, err := b.api.Users.List().Domain("example.net").Do()
	if err != nil || !cmp.Equal(addresses(page.Users), []string{"Charlie@example.net"}) {
		t.Errorf("one domain: %v, %v", addresses(page.Users), err)
	}
	b.Remove("alpha@example.com")
	page, err = b.api.Users.List().Customer(b.customer).ShowDeleted("true").Do()
	if err != nil || !cmp.Equal(addresses(page.Users), []string{"alpha@example.com"}) || page.Users[0].DeletionTime == "" {
		t.Errorf("deleted: %v, %v", page.Users, err)
	}
	var raw map[string]any
	b.decode(t, "/admin/directory/v1/users?customer=my_customer&query=email:nobody*", &raw)
	if _, ok := raw["users"]; ok {
		t.Errorf("an empty result has users: %v", raw)
	}
}

func TestPageTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	b.seed(t, "alpha@example.com", "bravo@example.com")
	page, err := b.api.Users.List().Customer("my_customer").MaxResults(1).Do()
	if err != nil {
		t.Fatal(err)
	}
	again := func(token string) error {
		_, err := b.api.Users.List().Customer("my_customer").PageToken(token).Do()
		return err
	}
	b.clock.Advance(3*24*time.Hour - time.Second)
	if err := again(page.NextPageToken); err != nil {
		t.Error(err)
	}
	_, err = b.api.Users.List().Customer("my_customer").Query("isAdmin=true").PageToken(page.NextPageToken).Do()
	refused(t, err, 400, "invalid")
	refused(t, again(page.NextPageToken[:10]), 400, "invalid")
	refused(t, again("x"+page.NextPageToken), 400, "invalid")
	b.clock.Advance(time.Second)
	refused(t, again(page.NextPageToken), 400, "invalid")
}

func TestListsThatLie(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	for i := range 9 {
		b.seed(t, fmt.Sprintf("u%d@example.com", i))
	}
	walk := func() (n, pages int) {
		token := ""
		for {
			page, err := b.api.Users.List().Customer("my_customer").MaxResults(5).PageToken(token).Do()
			if err != nil {
				t.Fatal(err)
			}
			n, pages = n+len(page.Users), pages+1
			if token = page.NextPageToken; token == "" {
				return n, pages
			}
		}
	}
	for _, tc := range []struct {
		fault    workspacetest.ListFault
		n, pages int
	}{
		{workspacetest.ListFault{Mode: workspacetest.EmptyList, Times: 1}, 0, 1},
		{workspacetest.ListFault{Mode: workspacetest.EmptyList, Skip: 1}, 5, 2},
		{workspacetest.ListFault{Mode: workspacetest.MissingUsers, Times: 1}, 8, 2},
		{workspacetest.ListFault{Mode: workspacetest.MissingUsers, Nth: 5}, 8, 2},
		{workspacetest.ListFault{Mode: workspacetest.LostTail, Times: 2}, 5, 1},
	} {
		b.FailLists(tc.fault)
		if n, pages := walk(); n != tc.n || pages != tc.pages {
			t.Errorf("%+v: %d users on %d pages, want %d on %d", tc.fault, n, pages, tc.n, tc.pages)
		}
		b.MendLists()
	}
	if n, pages := walk(); n != 10 || pages != 2 {
		t.Errorf("mended: %d on %d", n, pages)
	}
}
