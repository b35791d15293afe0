package closing

import (
	"fmt"
	"testing"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
)

// TestWithdrawnInTheMiddleOfAWave: nobody is told any more that it ends.
func TestWithdrawnInTheMiddleOfAWave(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	owner := w.nodes[a]
	for i := range 10 {
		owner.people = append(owner.people, [5]string{fmt.Sprint("p", i), "h", fmt.Sprintf("p%d@x.test", i), "fr", ""})
	}
	w.close(90)
	owner.mails = nil
	owner.onMail = func() {
		if len(owner.mails) == 3 {
			_, err := owner.Withdraw(t.Context(), "mail")
			w.must(err)
		}
	}
	w.must(owner.SendWaves(t.Context()))
	if len(owner.mails) != 3 {
		t.Errorf("%d mails: %q", len(owner.mails), owner.mails)
	}
}
