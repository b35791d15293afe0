package delivery

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

// TestWhatAMessageSays: what our own look met stands in the message of an outage, and only
// there; a test asks to be confirmed, not to be looked after.
func TestWhatAMessageSays(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		w.sees = []string{"watch.alert.why_refused"}
		w.put(Notice{Kind: Down})
		w.put(Notice{Kind: Test, Incident: "t", Person: "ana"})
		w.pass(time.Minute)
		var outage, test string
		for _, s := range w.sent {
			if s.m.Kind == string(Test) {
				test = s.m.Text
			} else {
				outage = s.m.Text
			}
		}
		if !strings.Contains(outage, "Our newest look: connection refused.") {
			t.Errorf("of an outage: %q", outage)
		}
		if !strings.Contains(test, "To confirm, follow this link") || strings.Contains(test, "look") {
			t.Errorf("of a test: %q", test)
		}
		w.sent, w.sees = nil, nil
		w.put(Notice{Kind: Down, Incident: "i2"})
		w.pass(time.Minute)
		if len(w.sent) != 1 || strings.Contains(w.sent[0].m.Text, "newest look") {
			t.Errorf("of what answers from here: %+v", w.sent)
		}
	})
}
