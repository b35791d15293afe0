package need

import (
	"context"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/wire"
)

// What anybody may read has no author, no address, no exact time; the entry has counts alone.
func TestExportAndEntry(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var said []string
		write := func(_ context.Context, typ string, body any) error {
			text, err := wire.Encode(body)
			said = append(said, typ+" "+string(text))
			return err
		}
		w.ok(w.Say(ctx, write))
		if len(said) != 0 {
			t.Errorf("said before anybody told anything: %v", said)
		}
		n, token := w.tell("A calendar of Ana Planted", planted)
		w.deliver()
		claim, sig := mailed(w.sent[0])
		w.ok(w.Confirm(ctx, claim, sig))
		waiting, _ := w.tell("Secret until read", "")
		refused, _ := w.tell("Buy pills", "")
		_, err := w.Publish(ctx, n.ID, "A calendar", "")
		w.ok(err)
		_, err = w.Refuse(ctx, refused.ID, "This is an advertisement.")
		w.ok(err)
		w.at = w.at.Add(4 * day)
		_, err = w.Answer(ctx, n.ID, Answer{State: Elsewhere, Member: "chaton-b.test"})
		w.ok(err)
		for range 3 {
			w.ok(w.Say(ctx, write))
		}
		if len(said) != 1 || !strings.Contains(said[0], `"published":1,"answered":1,"refused":1,"median_days":4`) {
			t.Errorf("said: %v", said)
		}
		text, err := w.Export(ctx)
		w.ok(err)
		var e Export
		w.ok(wire.Decode(text, &e))
		if len(e.Needs) != 1 || e.Needs[0].Month != "2026-11" || e.Needs[0].Goal != "A calendar" || e.Needs[0].Member != "chaton-b.test" || e.Salt == "" {
			t.Errorf("exported: %s", text)
		}
		for _, never := range []string{"Planted", "elsewhere.test", waiting.Goal, "pills", token, "_us", "14:00"} {
			if strings.Contains(string(text)+strings.Join(said, ""), never) {
				t.Errorf("%q is told: %s %v", never, text, said)
			}
		}
		w.at = w.at.Add(31 * day)
		w.ok(w.Say(ctx, write))
		if len(said) != 2 {
			t.Errorf("a month later: %v", said)
		}
	})
}

func TestFeed(t *testing.T) {
	v := newVisitor(t)
	n := v.published("A <calendar> & ]]> more")
	_, err := v.Answer(t.Context(), n.ID, Answer{State: Done, Link: "https://chaton-a.test/agenda"})
	v.ok(err)
	v.tell("Not read yet", planted)
	text, _, _ := v.do(http.MethodGet, feedPath+"?lang=en", http.StatusOK, nil)
	var f struct {
		Entries []struct {
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
			Content string `xml:"content"`
		} `xml:"entry"`
	}
	v.ok(xml.Unmarshal([]byte(text), &f))
	if len(f.Entries) != 1 || f.Entries[0].Title != "A <calendar> & ]]> more (Done)" || !strings.Contains(f.Entries[0].Content, "It is done.") || strings.Contains(text, "Not read yet") {
		t.Errorf("%+v\n%s", f, text)
	}
	if at, err := time.Parse(time.RFC3339, f.Entries[0].Updated); err != nil || at.Hour() != 0 {
		t.Errorf("it tells the hour: %s", f.Entries[0].Updated)
	}
}
