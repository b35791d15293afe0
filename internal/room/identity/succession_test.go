package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

func TestEachPerson(t *testing.T) {
	r := open(t, time.Now())
	for _, n := range []person.New{
		{Handle: "zoe", Lang: "en", Choice: person.HandOver}, {Handle: "ana", Mail: "ana@chaton-a.test"}, {Handle: "waits", Status: person.Waiting}, {Handle: "gone", Status: person.Suspended},
	} {
		if _, err := r.Persons.Create(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := r.EachPerson(t.Context(), func(id, handle, mail, lang, choice string) error {
		if !person.ID(id).Valid() {
			t.Errorf("%s is called %q for ever", handle, id)
		}
		got = append(got, handle+" "+mail+" "+lang+" "+choice)
		return nil
	})
	if err != nil || fmt.Sprint(got) != "[ana ana@chaton-a.test fr archive zoe  en handover]" {
		t.Errorf("%q, %v", got, err)
	}
}

// end says that our accounts end, and who takes them over.
type end struct {
	day string
	to  core.MemberID
}

func (e end) Closing(_ context.Context, service string) (string, bool, error) {
	return e.day, service == "accounts" && e.day != "", nil
}

func (e end) AdopterOf(context.Context, string) (core.MemberID, bool, error) {
	return e.to, e.to != "", nil
}

// TestWhileWeClose: nobody comes any more, everybody who is here goes on, and a list is signed over
// to who takes the accounts over alone.
func TestWhileWeClose(t *testing.T) {
	e := end{}
	r := openWith(t, time.Now(), func(n *Needs) {
		n.Closings = func() (Closings, bool) { return e, true }
		n.Adopters = func() (Adopters, bool) { return e, true }
	})
	ana, err := r.People.Add(t.Context(), person.Person{}, person.New{Handle: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	waits, err := r.Persons.Create(t.Context(), person.New{Handle: "waits", Status: person.Waiting})
	if err != nil {
		t.Fatal(err)
	}
	if to, err := r.ending.adopter(t.Context()); to != "" || err != nil {
		t.Error(to, err)
	}
	e.day = "2026-12-24"
	_, added := r.People.Add(t.Context(), person.Person{}, person.New{Handle: "zoe"})
	_, admitted := r.People.Admit(t.Context(), person.Person{}, waits.ID)
	_, _, taken := r.Moves.TakeList(t.Context(), "chaton-b.test")
	_, inherited := r.Moves.Inherit(t.Context(), "chaton-b.test", nil)
	said := catalogue(t).Printer("en").Error(added)
	for _, err := range []error{added, admitted, taken, inherited} {
		if e, is := errors.AsType[*core.Error](err); !is || e.Key != "identity.closing" {
			t.Error(err)
		}
	}
	if !strings.Contains(said, "2026-12-24") || !strings.Contains(said, "https://chaton-a.test/succession/chaton-a.test") {
		t.Error(said)
	}
	if _, err := r.People.Link(t.Context(), person.Person{}, ana.ID); err != nil {
		t.Error("who is here gets a link still:", err)
	}
	if _, err := r.ending.adopter(t.Context()); core.CodeOf(err) != core.CodeConflict {
		t.Error("nobody takes them over:", err)
	}
	e.to = "chaton-c.test"
	if to, err := r.ending.adopter(t.Context()); to != e.to || err != nil {
		t.Error(to, err)
	}
	_, listed := r.Moves.List(t.Context(), "chaton-b.test")
	if e, is := errors.AsType[*core.Error](listed); !is || e.Key != "identity.move.not_adopter" {
		t.Error("signed over to another:", listed)
	}
	_, listed = r.Moves.List(t.Context(), "chaton-c.test")
	if e, is := errors.AsType[*core.Error](listed); !is || e.Key != "identity.move.nowhere" { // C is no home here
		t.Error(listed)
	}
}
