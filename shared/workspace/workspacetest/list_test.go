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

func TestQueries(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	for _, u := range []workspacetest.User{
		{PrimaryEmail: "a@example.com", GivenName: "Anna Lena", FamilyName: "Smith", OrgUnitPath: "/Sales/O'Hare", Suspended: true},
		{PrimaryEmail: "b@example.com", GivenName: "Bert", FamilyName: "Smithers", OrgUnitPath: "/Sales", Archived: true},
		{PrimaryEmail: "c@example.com", GivenName: "Cleo", FamilyName: "Jones", OrgUnitPath: "/Salesforce", DelegatedAdmin: true,
			Fields: map[string]json.RawMessage{"externalIds": json.RawMessage(`[{"value":"E-1"}]`)}},
	} {
		if _, err := b.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"":                                       "admin a b c",
		"isSuspended=true":                       "a",
		"isSuspended=false isAdmin=false":        "b c",
		"isArchived=true":                        "b",
		"isDelegatedAdmin=true":                  "c",
		"orgUnitPath=/Sales":                     "a b",
		`orgUnitPath='/Sales/O\'Hare'`:           "a",
		"orgUnitPath=/":                          "admin a b c",
		"familyName:Smith*":                      "a b",
		"familyName=smith":                       "a",
		"givenName='anna lena' email:a*":         "a",
		"name:'Cleo Jones'":                      "c",
		"externalId=E-1":                         "c",
		"email=B@EXAMPLE.COM":                    "b",
		"bareword":                               "refused",
		"isSuspended=maybe":                      "refused",
		"phone=1":                                "refused",
		"givenName='open":                        "refused",
		"givenName='a'b":                         "refused",
		"givenName=":                             "refused",
		"lastLoginTime>2020-01-01T00:00:00.000Z": "refused",
	} {
		page, err := b.api.Users.List().Customer("my_customer").Query(query).Do()
		if want == "refused" {
			refused(t, err, 400, "invalid")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		got := strings.ReplaceAll(strings.Join(addresses(page.Users), " "), "@example.com", "")
		if diff := cmp.Diff(strings.Fields(want), strings.Fields(got), cmp.Transformer("set", func(s []string) map[string]bool {
			m := map[string]bool{}
			for _, e := range s {
				m[e] = true
			}
			return m
		})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestFieldMask(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	id, err := b.AddUser(workspacetest.User{PrimaryEmail: "a@example.com", GivenName: `A"`, FamilyName: "Ünal", DisplayName: "<A>"})
	if err != nil {
		t.Fatal(err)
	}
	for fields, want := range map[string]string{
		"id":                                `{"id":"` + id + `"}`,
		"name/givenName,id":                 `{"id":"` + id + `","name":{"givenName":"A\""}}`,
		"name(givenName,displayName)":       `{"name":{"displayName":"<A>","givenName":"A\""}}`,
		"name(familyName),name/displayName": `{"name":{"displayName":"<A>","familyName":"Ünal"}}`,
		"name/*,name/givenName":             `{"name":{"displayName":"<A>","familyName":"Ünal","fullName":"A\" Ünal","givenName":"A\""}}`,
		"recoveryEmail":                     `{}`,
	} {
		var got, exp any
		b.decode(t, "/admin/directory/v1/users/"+id+"?fields="+fields, &got)
		if err := json.Unmarshal([]byte(want), &exp); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(exp, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fields, diff)
		}
	}
	for _, fields := range []string{"nope", "name/nope", "id,", "name(givenName", "id)", "(id)", "name()"} {
		_, err := b.api.Users.Get(id).Fields(googleapi.Field(fields)).Do()
		refused(t, err, 400, "invalidParameter")
	}
	var list map[string]any
	b.decode(t, "/admin/directory/v1/users?customer=my_customer&maxResults=1&fields=users(id)", &list)
	if users, _ := list["users"].([]any); len(list) != 1 || len(users) != 1 {
		t.Errorf("list: %v", list)
	}
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
