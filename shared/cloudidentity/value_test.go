package cloudidentity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/cloudidentity"
)

func TestValue_FindsBothSpellingsAndNoOtherType(t *testing.T) {
	t.Parallel()
	const name = "someField"
	for _, tc := range []struct {
		json string
		b    any
		n    any
		d    any
	}{
		{`{"someField":true}`, true, nil, nil},
		{`{"some_field":false}`, false, nil, nil},
		{`{"somefield":true}`, nil, nil, nil},
		{`{"someField":12}`, nil, 12, nil},
		{`{"some_field":12.5}`, nil, nil, nil},
		{`{"someField":1e99}`, nil, nil, nil},
		{`{"someField":"7776000s"}`, nil, nil, 90 * 24 * time.Hour},
		{`{"some_field":"0s"}`, nil, nil, time.Duration(0)},
		{`{"someField":"1.5s"}`, nil, nil, 1500 * time.Millisecond},
		{`{"someField":"1h"}`, nil, nil, nil},
		{`{"someField":"5ms"}`, nil, nil, nil},
		{`{"someField":"-1s"}`, nil, nil, nil},
		{`{"someField":"99999999999999999s"}`, nil, nil, nil},
		{`{"someField":null}`, nil, nil, nil},
		{`{}`, nil, nil, nil},
		{`null`, nil, nil, nil},
	} {
		var v cloudidentity.Value
		if err := json.Unmarshal([]byte(tc.json), &v); err != nil {
			t.Fatal(err)
		}
		var got, want [3]any
		want = [3]any{tc.b, tc.n, tc.d}
		if b, ok := v.Bool(name); ok {
			got[0] = b
		}
		if n, ok := v.Int(name); ok {
			got[1] = n
		}
		if d, ok := v.Duration(name); ok {
			got[2] = d
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s -want +got:\n%s", tc.json, d)
		}
	}
	var v cloudidentity.Value
	if err := json.Unmarshal([]byte(`{"outer_field":{"innerField":true}}`), &v); err != nil {
		t.Fatal(err)
	}
	if o, ok := v.Object("outerField"); !ok || len(o) != 1 {
		t.Errorf("the object is %v", o)
	}
}

func TestInEffect_TheGreatestOrderOfEachUnitAndGroup(t *testing.T) {
	t.Parallel()
	policy := func(unit, group string, order float64, licensed bool) cloudidentity.Policy {
		return cloudidentity.Policy{Setting: "s", OrgUnit: unit, Group: group, Order: order, Licensed: licensed}
	}
	fallback, set := policy("root", "", 1, false), policy("root", "", 2, false)
	sales, group := policy("sales", "", 3, false), policy("root", "g", 4, false)
	licensed := policy("sales", "", 5, true)
	other := cloudidentity.Policy{Setting: "t", OrgUnit: "root", Order: 9}
	for _, tc := range []struct {
		name      string
		all, want []cloudidentity.Policy
	}{
		{"none", nil, nil},
		{"the default", []cloudidentity.Policy{other, fallback}, []cloudidentity.Policy{fallback}},
		{"the default is replaced", []cloudidentity.Policy{set, fallback}, []cloudidentity.Policy{set}},
		{"units and groups stand beside it", []cloudidentity.Policy{group, sales, set, fallback}, []cloudidentity.Policy{set, sales, group}},
		{"licences hide nothing", []cloudidentity.Policy{licensed, sales}, []cloudidentity.Policy{sales, licensed}},
	} {
		if d := cmp.Diff(tc.want, cloudidentity.InEffect(tc.all, "s")); d != "" {
			t.Errorf("%s: -want +got:\n%s", tc.name, d)
		}
	}
}
