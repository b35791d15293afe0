package delivery

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

// TestWarningsWakeNobody: a certificate that ends soon is told in the morning, on its day,
// to who agreed to be woken for outages as well, and lasts until somebody says that it is over.
func TestWarningsWakeNobody(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{From: "22:00", To: "07:00", Wake: true}))
		w.plan.Services = []contact.Service{{Name: "Pad", Level: contact.Page}, {Name: "Dump", Level: contact.Page}}
		w.at = time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC)
		ends := core.At(time.Date(2026, 12, 15, 12, 30, 0, 0, time.UTC))
		n := Notice{Kind: Certificate, Incident: "cert-1-14", Services: []string{"Pad"}, Ends: ends}
		w.put(n)
		w.put(n)
		w.pass(time.Hour)
		w.expect()
		lasting, err := Lasting(t.Context(), d, Certificate)
		if err != nil || len(lasting) != 1 || lasting[0].Ends != ends || lasting[0].Incident != "cert-1-14" {
			t.Fatalf("%+v %v", lasting, err)
		}
		if others, err := Lasting(t.Context(), d, Backup); err != nil || len(others) != 0 {
			t.Errorf("%+v %v", others, err)
		}
		w.pass(6 * time.Hour)
		if len(w.sent) != 1 || !strings.Contains(w.sent[0].m.Text, "15 Dec") || w.sent[0].m.Urgent {
			t.Errorf("%+v", w.sent)
		}
		w.expect("ana-mail Certificate about to end")
		if err := w.q.Absorb(t.Context(), owner, "cert-1-14", core.At(w.at)); err != nil {
			t.Fatal(err)
		}
		if lasting, err = Lasting(t.Context(), d, Certificate); err != nil || len(lasting) != 0 {
			t.Errorf("over, and still there: %+v %v", lasting, err)
		}
		w.put(n) // it was told
		w.pass(time.Hour)
		w.expect()
		// Who says that work of ours is worth it is woken by its silence.
		w.at = time.Date(2026, 12, 2, 2, 0, 0, 0, time.UTC)
		w.put(Notice{Kind: Silent, Incident: "s1", Services: []string{"Other"}})
		w.put(Notice{Kind: Silent, Incident: "s2", Services: []string{"Dump"}})
		w.pass(time.Minute)
		w.expect("ana-mail No sign of life")
	})
}
