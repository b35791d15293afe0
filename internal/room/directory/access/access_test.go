package access_test

import (
	"slices"
	"testing"

	"entrechat/internal/room/directory/access"
)

// TestDown is the table of docs/spec/statoolinfos.md#registration.
func TestDown(t *testing.T) {
	for _, x := range []struct {
		a            access.Access
		registration string
		load         string
		lost         []string
	}{
		{access.Access{}, "", "", nil},
		{access.Access{Without: access.WithoutAll}, "None", "", nil},
		{access.Access{Without: access.WithoutAll, Register: access.RegisterNobody, Load: access.LoadOpen}, "None", "OPEN", nil},
		{access.Access{Without: access.WithoutAll, Register: access.RegisterAnyone, Load: access.LoadOpen}, "None", "OPEN", []string{"directory.access.lost_accounts"}},
		{access.Access{Without: access.WithoutSome}, "", "", []string{"directory.access.lost_some"}},
		{access.Access{Without: access.WithoutSome, Register: access.RegisterAnyone}, "Free", "", []string{"directory.access.lost_some"}},
		{access.Access{Without: access.WithoutSome, Register: access.RegisterMembers, Load: access.LoadFull}, "Member", "FULL", []string{"directory.access.lost_some"}},
		// The read-only PeerTube of forum 2068.
		{access.Access{Without: access.WithoutSome, Register: access.RegisterNobody, Load: access.LoadOpen}, "None", "OPEN", []string{"directory.access.lost_some", "directory.access.lost_closed"}},
		{access.Access{Without: access.WithoutNone}, "", "", nil},
		{access.Access{Without: access.WithoutNone, Register: access.RegisterAnyone, Load: access.LoadOpen}, "Free", "OPEN", nil},
		{access.Access{Without: access.WithoutNone, Register: access.RegisterOnRequest, Load: access.LoadFull}, "Free", "FULL", []string{"directory.access.lost_request"}},
		{access.Access{Without: access.WithoutNone, Register: access.RegisterInvited}, "Member", "", []string{"directory.access.lost_invited"}},
		{access.Access{Without: access.WithoutNone, Register: access.RegisterMembers, Load: access.LoadOpen}, "Member", "OPEN", nil},
		{access.Access{Without: access.WithoutNone, Register: access.RegisterCustomers}, "Client", "", nil},
		{access.Access{Without: access.WithoutNone, Register: access.RegisterNobody, Load: access.LoadOpen}, "Member", "FULL", []string{"directory.access.lost_closed"}},
		{access.Access{Register: access.RegisterAnyone}, "Free", "", nil},
	} {
		registration, load, lost := x.a.Statool()
		if registration != x.registration || load != x.load || !slices.Equal(lost, x.lost) {
			t.Errorf("%+v gave %q %q %v, want %q %q %v", x.a, registration, load, lost, x.registration, x.load, x.lost)
		}
	}
}

func TestUp(t *testing.T) {
	for _, x := range []struct {
		registration []string
		load         string
		want         access.Access
	}{
		{nil, "", access.Access{}},
		{[]string{"Perhaps"}, "SOON", access.Access{}},
		{[]string{"None"}, "OPEN", access.Access{Without: access.WithoutAll, Load: access.LoadOpen}},
		{[]string{"none"}, "full", access.Access{Without: access.WithoutAll, Load: access.LoadFull}},
		{[]string{"Free"}, "", access.Access{Without: access.WithoutNone, Register: access.RegisterAnyone}},
		{[]string{"Member"}, "", access.Access{Without: access.WithoutNone, Register: access.RegisterMembers}},
		{[]string{"Client"}, "", access.Access{Without: access.WithoutNone, Register: access.RegisterCustomers}},
		{[]string{"None", "Free"}, "", access.Access{Without: access.WithoutSome, Register: access.RegisterAnyone}},
		{[]string{"Client", "Member"}, "", access.Access{Without: access.WithoutNone, Register: access.RegisterMembers}},
	} {
		if got := access.FromStatool(x.registration, x.load); got != x.want {
			t.Errorf("%v %q gave %+v, want %+v", x.registration, x.load, got, x.want)
		}
	}
}

// all is every access there is.
func all() []access.Access {
	var out []access.Access
	for _, w := range []access.Without{"", "all", "some", "none"} {
		for _, r := range []access.Register{"", "anyone", "on_request", "invited", "members", "customers", "nobody"} {
			for _, l := range []access.Load{"", "open", "full"} {
				out = append(out, access.Access{Without: w, Register: r, Load: l})
			}
		}
	}
	return out
}

// TestThereAndBack: a word that was read is written again as it was, and writing
// never opens a door: whoever reads what we wrote is promised no more than we said.
func TestThereAndBack(t *testing.T) {
	for _, word := range []string{"None", "Free", "Member", "Client"} {
		for _, load := range []string{"OPEN", "FULL", ""} {
			r, l, lost := access.FromStatool([]string{word}, load).Statool()
			if r != word || l != load || lost != nil {
				t.Errorf("%s %s became %s %s, lost %v", word, load, r, l, lost)
			}
		}
	}
	for _, a := range all() {
		if !a.Valid() {
			t.Errorf("%+v is not valid", a)
		}
		registration, load, lost := a.Statool()
		back := access.FromStatool([]string{registration}, load)
		if back.Usable() && !a.Usable() {
			t.Errorf("%+v was closed, %q %q is open", a, registration, load)
		}
		if again, _, _ := back.Statool(); again != registration {
			t.Errorf("%q became %q", registration, again)
		}
		if len(lost) == 0 && registration != "" && a.Register != access.RegisterNobody && a.Without != "" && back != a {
			t.Errorf("%+v came back as %+v and nothing was said to be lost", a, back)
		}
	}
	if (access.Access{Without: "maybe"}).Valid() {
		t.Error("an unknown word is valid")
	}
}
