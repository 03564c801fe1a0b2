package workspacetest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

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
