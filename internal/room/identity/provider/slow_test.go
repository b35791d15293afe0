package provider

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
)

func TestAClientThatLetsUsWaitIsLeftAlone(t *testing.T) {
	var s slow
	begin := core.At(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC))
	s.took("quick", begin, begin.Add(time.Second))
	s.took("slow", begin, begin.Add(10*time.Second))
	for after, want := range map[time.Duration]bool{10 * time.Second: true, 69 * time.Second: true, 70 * time.Second: false} {
		now := begin.Add(after)
		s.took("slow", begin, begin.Add(10*time.Second))
		if until := s.rests("slow", now); (until > now) != want {
			t.Errorf("after %s it rests until %d", after, until)
		}
		if s.rests("quick", now) != 0 || s.rests("other", now) != 0 {
			t.Error("another rests")
		}
	}
}

func TestEachClientHasItsTurn(t *testing.T) {
	var due []logout
	for id := range strings.FieldsSeq("a1 a2 a3 b1 a4 c1 b2") {
		due = append(due, logout{ID: id, Client: id[:1]})
	}
	var got []string
	for _, l := range inTurn(due) {
		got = append(got, l.ID)
	}
	if text := strings.Join(got, " "); text != "a1 b1 c1 a2 b2 a3 a4" {
		t.Error(text)
	}
	if len(inTurn(nil)) != 0 {
		t.Error("something of nothing")
	}
}
