package workflow

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

func full() Command {
	return Command{Enterprise: "acme", Op: Delete, Accounts: []string{"abc", "def"}, RequestedBy: "admin:local", RequestID: "r1", RequestedAt: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	many := make([]string, MaxIDs+1)
	for i := range many {
		many[i] = "a" + strconv.Itoa(i)
	}
	for _, tc := range []struct {
		name  string
		edit  func(*Command)
		field string // "" where the command is right
	}{
		{"right", func(*Command) {}, ""},
		{"all", func(c *Command) { c.Accounts, c.All = nil, true }, ""},
		{"continued", func(c *Command) { c.Accounts, c.All, c.Next = nil, true, "abc_-1" }, ""},
		{"rename", func(c *Command) { c.Op, c.DisplayName = Rename, "Acme" }, ""},
		{"retire", func(c *Command) { c.Op, c.Accounts, c.Devices = Retire, nil, []string{"d1"} }, ""},
		{"verify", func(c *Command) { c.Op, c.Accounts = Verify, nil }, ""},
		{"settle", func(c *Command) { c.Op, c.Accounts, c.People = Settle, nil, []string{"p1"} }, ""},
		{"settle nobody", func(c *Command) { c.Op, c.Accounts = Settle, nil }, "people"},
		{"settle all", func(c *Command) { c.Op, c.Accounts, c.All = Settle, nil, true }, "all"},
		{"settle too many", func(c *Command) { c.Op, c.Accounts, c.People = Settle, nil, many }, "people"},
		{"accounts for people", func(c *Command) { c.Op = Settle }, "accounts"},
		{"people for accounts", func(c *Command) { c.People = []string{"p1"} }, "people"},
		{"verify of people", func(c *Command) { c.Op, c.Accounts, c.People = Verify, nil, []string{"p1"} }, "people"},
		{"no enterprise", func(c *Command) { c.Enterprise = "" }, "enterprise"},
		{"enterprise with a slash", func(c *Command) { c.Enterprise = "a/b" }, "enterprise"},
		{"unknown op", func(c *Command) { c.Op = "destroy" }, "op"},
		{"no op", func(c *Command) { c.Op = "" }, "op"},
		{"nothing named", func(c *Command) { c.Accounts = nil }, "accounts"},
		{"both", func(c *Command) { c.All = true }, "accounts"},
		{"too many", func(c *Command) { c.Accounts = many }, "accounts"},
		{"twice", func(c *Command) { c.Accounts = []string{"a", "b", "a"} }, "accounts[2]"},
		{"not an id", func(c *Command) { c.Accounts = []string{"a", "b c"} }, "accounts[1]"},
		{"devices for accounts", func(c *Command) { c.Devices = []string{"d"} }, "devices"},
		{"accounts for devices", func(c *Command) { c.Op = Release }, "accounts"},
		{"verify of accounts", func(c *Command) { c.Op = Verify }, "accounts"},
		{"verify of devices", func(c *Command) { c.Op, c.Accounts, c.Devices = Verify, nil, []string{"d"} }, "devices"},
		{"reconcile all", func(c *Command) { c.Op, c.Accounts, c.All = Reconcile, nil, true }, "all"},
		{"rename to nothing", func(c *Command) { c.Op = Rename }, "displayName"},
		{"rename to a novel", func(c *Command) { c.Op, c.DisplayName = Rename, strings.Repeat("ä", 61) }, "displayName"},
		{"delete with a name", func(c *Command) { c.DisplayName = "x" }, "displayName"},
		{"continuation of a list", func(c *Command) { c.Next = "abc" }, "next"},
		{"strange continuation", func(c *Command) { c.Accounts, c.All, c.Next = nil, true, "a b" }, "next"},
		{"renew", func(c *Command) { c.Op, c.Accounts, c.People = Renew, nil, []string{"p1"} }, ""},
		{"renew at once", func(c *Command) { c.Op, c.Accounts, c.People, c.Now = Renew, nil, []string{"p1"}, true }, ""},
		{"renew all", func(c *Command) { c.Op, c.Accounts, c.All = Renew, nil, true }, ""},
		{"renew a label", func(c *Command) { c.Op, c.Accounts, c.All, c.HavingLabel = Renew, nil, true, "field" }, ""},
		{"renew a label, continued", func(c *Command) {
			c.Op, c.Accounts, c.All, c.HavingLabel, c.Next = Renew, nil, true, "field", "dabc"
		}, ""},
		{"renew nobody", func(c *Command) { c.Op, c.Accounts = Renew, nil }, "people"},
		{"renew too many", func(c *Command) { c.Op, c.Accounts, c.People = Renew, nil, many }, "people"},
		{"renew devices", func(c *Command) { c.Op, c.Accounts, c.Devices = Renew, nil, []string{"d1"} }, "devices"},
		{"renew a label and people", func(c *Command) {
			c.Op, c.Accounts, c.People, c.HavingLabel = Renew, nil, []string{"p1"}, "field"
		}, "havingLabel"},
		{"renew what is no label", func(c *Command) { c.Op, c.Accounts, c.All, c.HavingLabel = Renew, nil, true, "Field" }, "havingLabel"},
		{"renew people, continued", func(c *Command) { c.Op, c.Accounts, c.People, c.Next = Renew, nil, []string{"p1"}, "abc" }, "next"},
		{"delete at once", func(c *Command) { c.Now = true }, "now"},
		{"delete with a label", func(c *Command) { c.Accounts, c.All, c.HavingLabel = nil, true, "field" }, "havingLabel"},
		{"replan", func(c *Command) { c.Op, c.Accounts = Replan, nil }, ""},
		{"replan, continued", func(c *Command) { c.Op, c.Accounts, c.Next = Replan, nil, "abc" }, ""},
		{"replan people", func(c *Command) { c.Op, c.Accounts, c.People = Replan, nil, []string{"p1"} }, "people"},
		{"replan all", func(c *Command) { c.Op, c.Accounts, c.All = Replan, nil, true }, "all"},
		{"retire the lost", func(c *Command) { c.Op, c.Accounts, c.Devices, c.Lost = Retire, nil, []string{"d1"}, true }, ""},
		{"release the lost", func(c *Command) { c.Op, c.Accounts, c.Devices, c.Lost = Release, nil, []string{"d1"}, true }, "lost"},
		{"label devices", func(c *Command) { c.Op, c.Accounts, c.Devices, c.AddLabels = Label, nil, []string{"d1"}, []string{"a"} }, ""},
		{"label people", func(c *Command) {
			c.Op, c.Accounts, c.People, c.RemoveLabels = Label, nil, []string{"p1"}, []string{"a"}
		}, ""},
		{"label both", func(c *Command) {
			c.Op, c.Accounts, c.Devices, c.People, c.AddLabels = Label, nil, []string{"d1"}, []string{"p1"}, []string{"a"}
		}, "devices"},
		{"label accounts", func(c *Command) { c.Op, c.AddLabels = Label, []string{"a"} }, "accounts"},
		{"label nothing", func(c *Command) { c.Op, c.Accounts, c.AddLabels = Label, nil, []string{"a"} }, "devices"},
		{"label all", func(c *Command) { c.Op, c.Accounts, c.All, c.AddLabels = Label, nil, true, []string{"a"} }, "all"},
		{"label with no label", func(c *Command) { c.Op, c.Accounts, c.Devices = Label, nil, []string{"d1"} }, "addLabels"},
		{"label with what is none", func(c *Command) {
			c.Op, c.Accounts, c.Devices, c.AddLabels = Label, nil, []string{"d1"}, []string{"a", "B"}
		}, "addLabels[1]"},
		{"add and remove one", func(c *Command) {
			c.Op, c.Accounts, c.Devices, c.AddLabels, c.RemoveLabels = Label, nil, []string{"d1"}, []string{"a"}, []string{"b", "a"}
		}, "removeLabels[1]"},
		{"add one twice", func(c *Command) {
			c.Op, c.Accounts, c.Devices, c.AddLabels = Label, nil, []string{"d1"}, []string{"a", "a"}
		}, "addLabels[1]"},
		{"too many labels", func(c *Command) { c.Op, c.Accounts, c.Devices, c.RemoveLabels = Label, nil, []string{"d1"}, many[:21] }, "removeLabels"},
		{"retire with labels", func(c *Command) {
			c.Op, c.Accounts, c.Devices, c.AddLabels = Retire, nil, []string{"d1"}, []string{"a"}
		}, "addLabels"},
		{"nobody", func(c *Command) { c.RequestedBy = "" }, "requestedBy"},
		{"no request", func(c *Command) { c.RequestID = "" }, "requestId"},
		{"no time", func(c *Command) { c.RequestedAt = time.Time{} }, "requestedAt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := full()
			tc.edit(&c)
			err := c.Validate()
			if tc.field == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if e := fault.As(err); e == nil || e.Kind != fault.Invalid || e.Field != tc.field {
				t.Errorf("got %v, want a refusal of %s", err, tc.field)
			}
		})
	}
}

func TestParseReadsWhatMarshalWrites(t *testing.T) {
	t.Parallel()
	for _, want := range []Command{
		full(),
		{Enterprise: "acme", Op: Rename, All: true, Next: "x", DisplayName: "Acme", RequestedBy: "admin:a@b.example", RequestID: "r2", RequestedAt: full().RequestedAt},
		{Enterprise: "acme", Op: Release, Devices: []string{"d1"}, RequestedBy: "admin:local", RequestID: "r3", RequestedAt: full().RequestedAt},
		{Enterprise: "acme", Op: Settle, People: []string{"p1", "p2"}, RequestedBy: "system:directory", RequestID: "r4", RequestedAt: full().RequestedAt},
		{Enterprise: "acme", Op: Renew, All: true, HavingLabel: "field", Now: true, Next: "dabc", RequestedBy: "admin:local", RequestID: "r5", RequestedAt: full().RequestedAt},
		{Enterprise: "acme", Op: Retire, Devices: []string{"d1"}, Lost: true, RequestedBy: "admin:local", RequestID: "r6", RequestedAt: full().RequestedAt},
		{Enterprise: "acme", Op: Label, People: []string{"p1"}, AddLabels: []string{"a"}, RemoveLabels: []string{"b", "c"}, RequestedBy: "admin:local", RequestID: "r7", RequestedAt: full().RequestedAt},
		{Enterprise: "acme", Op: Replan, Next: "abc", RequestedBy: "admin:local", RequestID: "r8", RequestedAt: full().RequestedAt},
	} {
		data, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

// TestParseKnowsEveryMember: a member that Marshal writes and Parse does not know
// would lose every command that has it.
func TestParseKnowsEveryMember(t *testing.T) {
	t.Parallel()
	members := reflect.TypeFor[Command]()
	for i := range members.NumField() {
		name, _, _ := strings.Cut(members.Field(i).Tag.Get("json"), ",")
		_, err := Parse([]byte(`{"` + name + `":null}`))
		e := fault.As(err)
		if e == nil || e.Field != name || !strings.Contains(e.Public, "wrong type") {
			t.Errorf("%s: %v, want a refusal of its type", name, err)
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	const good = `{"enterprise":"acme","op":"verify","requestedBy":"admin:local","requestId":"r","requestedAt":"2026-11-21T12:00:00Z"}`
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, data, field string }{
		{"empty", ``, ""},
		{"an array", `[]`, ""},
		{"cut short", good[:len(good)-1], ""},
		{"trailing data", good + `{}`, ""},
		{"trailing garbage", good + `x`, ""},
		{"unknown member", `{"force":true}`, "force"},
		{"another case", `{"Op":"verify"}`, "Op"},
		{"twice", `{"op":"verify","op":"delete"}`, "op"},
		{"wrong type", `{"all":"yes"}`, "all"},
		{"null", `{"accounts":null}`, "accounts"},
		{"not valid", `{"op":"verify"}`, "enterprise"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tc.data))
			if e := fault.As(err); e == nil || e.Kind != fault.Invalid || e.Field != tc.field {
				t.Errorf("got %v, want a refusal of %q", err, tc.field)
			}
		})
	}
}

// FuzzParse proves that whatever Parse takes is valid and survives a round trip.
func FuzzParse(f *testing.F) {
	data, _ := full().Marshal()
	f.Add(data)
	f.Add([]byte(`{"op":"verify","op":1}`))
	label := Command{Enterprise: "acme", Op: Label, People: []string{"p1"}, AddLabels: []string{"a"}, RequestedBy: "admin:local", RequestID: "r", RequestedAt: full().RequestedAt}
	data, _ = label.Marshal()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		if !slices.Contains(Ops(), c.Op) {
			t.Errorf("took the operation %q", c.Op)
		}
		if !json.Valid(data) {
			t.Errorf("took invalid JSON %q", data)
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatalf("took what it would not write: %v", err)
		}
		if c2, err := Parse(again); err != nil || !cmp.Equal(c, c2) && len(c.Accounts)+len(c.Devices)+len(c.People) > 0 {
			t.Errorf("round trip: %v\n%s", err, cmp.Diff(c, c2))
		}
	})
}
