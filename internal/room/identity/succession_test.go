package identity

import (
	"fmt"
	"testing"
	"time"

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
