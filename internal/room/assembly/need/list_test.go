package need

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/assembly/migrations"
)

// counter counts what is asked of a database.
type counter struct {
	db.Querier
	asked int
}

func (c *counter) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.asked++
	return c.Querier.QueryContext(ctx, query, args...)
}

// What stands beside 50 needs is asked for in as many queries as for one, and belongs to each.
func TestAListTakesFewQueries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var list []Need
		for i := range 70 {
			n := w.published(fmt.Sprintf("Need %d", i))
			for k := range i % 3 {
				_, err := w.Answer(ctx, n.ID, Answer{State: Heard, Text: fmt.Sprintf("Answer %d to %s", k, n.ID)})
				w.ok(err)
				w.ok(w.AlsoAccount(ctx, n.ID, fmt.Sprintf("account %d", k)))
			}
			list = append(list, Need{ID: n.ID})
		}
		_, err := w.Merge(ctx, list[2].ID, list[5].ID)
		w.ok(err)
		for _, size := range []int{0, 1, 9, 70} {
			c, part := &counter{Querier: w.n.DB}, slices.Clone(list[:size])
			w.ok(fill(ctx, c, part))
			too, err := saidAmong(ctx, c, idsOf(part), w.keys.voice("account", "account 1"))
			w.ok(err)
			_, err = sameAmong(ctx, c, idsOf(part))
			w.ok(err)
			if c.asked > 4 {
				t.Errorf("%d needs take %d queries", size, c.asked)
			}
			for i, n := range part {
				if len(n.Answers) != i%3 || n.Voices != int64(i%3) || too[n.ID] != (i%3 == 2) || len(n.Answers) > 0 && !strings.HasSuffix(n.Answers[0].Text, n.ID) {
					t.Errorf("%d of %d: %+v, said too %v", i, size, n, too[n.ID])
				}
			}
		}
	})
}

// What nobody answered is in the admins' list, however old it is and whatever came after it.
func TestTheOldestUnansweredIsListed(t *testing.T) {
	v := newVisitor(t)
	v.published("The oldest of all")
	for i := range MaxWaiting + 1 {
		v.at = v.at.Add(time.Minute)
		n := v.published(fmt.Sprintf("Need %d", i))
		_, err := v.Answer(t.Context(), n.ID, Answer{State: Heard})
		v.ok(err)
	}
	v.admin = true
	if page, _, _ := v.do(http.MethodGet, AdminPath, http.StatusOK, nil); !strings.Contains(page, "The oldest of all") {
		t.Error("a need that waits for an answer is not shown to who could answer")
	}
}

// A member that publishes much leaves room in the list for what the others publish.
func TestNoMemberFillsTheListOfOthers(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), newRing("chaton-a.test")
		a := r.node(t, d, "chaton-a.test")
		for member, count := range map[core.MemberID]int{"aaa.test": maxExport, "zzz.test": 3} {
			var list []Their
			for i := range count {
				list = append(list, Their{Member: member, ID: fmt.Sprintf("T%d", i), Goal: "An agenda"})
			}
			a.ok(a.x.keep(ctx, member, list))
		}
		list, err := a.x.Theirs(ctx, 100)
		a.ok(err)
		if len(list) != 100 || list[0].Member != "aaa.test" || list[97].Member != "zzz.test" || list[99].Member != "zzz.test" {
			t.Errorf("%d, of %s to %s", len(list), list[0].Member, list[len(list)-1].Member)
		}
	})
}

// What was said to be the same as a need that was merged can be taken back at the one that
// shows it.
func TestTheSameIsTakenBackAfterAMerge(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), newRing("chaton-a.test")
		a := r.node(t, d, "chaton-a.test")
		one, two := a.published("A calendar"), a.published("An agenda")
		a.ok(a.x.keep(ctx, "chaton-b.test", []Their{{Member: "chaton-b.test", ID: "T", Goal: "An agenda"}}))
		a.ok(a.x.Same(ctx, two.ID, "chaton-b.test", "T"))
		_, err := a.Merge(ctx, two.ID, one.ID)
		a.ok(err)
		if got, err := a.x.Around(ctx, one); err != nil || len(got.Same) != 1 {
			t.Fatalf("around: %+v, %v", got, err)
		}
		a.ok(a.x.Differ(ctx, one.ID, "chaton-b.test", "T"))
		if got, err := a.x.Around(ctx, one); err != nil || len(got.Same) != 0 {
			t.Errorf("taken back, and still there: %+v, %v", got, err)
		}
	})
}
