//go:build scale

package need

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// TestCostOfNeeds says what the pages and files about needs cost in processor time, with
// 1,000 of them, each with answers and voices, and with what 20 members publish beside them:
// docs/benchmarks.md.
func TestCostOfNeeds(t *testing.T) {
	v := newVisitor(t)
	ctx := t.Context()
	v.ok(v.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for i := range 1000 {
			if err := fillIn(ctx, q, i, v.now()); err != nil {
				return err
			}
		}
		for m := range 20 {
			member := core.MemberID(fmt.Sprintf("chaton-%d.test", m))
			list := make([]Their, 500)
			for i := range list {
				list[i] = Their{Member: member, ID: fmt.Sprintf("THEIRS%d", i), Goal: "An agenda for all of us", State: Done}
			}
			if err := replaceTheirs(ctx, q, member, list, v.now()); err != nil {
				return err
			}
		}
		return nil
	}))
	export := func() { _, err := v.Export(ctx); v.ok(err) }
	for _, c := range []struct {
		name string
		do   func()
	}{
		{Path, func() { v.do(http.MethodGet, Path, http.StatusOK, nil) }},
		{Path + ", signed in", func() { v.who = "ana"; v.do(http.MethodGet, Path, http.StatusOK, nil); v.who = "" }},
		{Path + "?from=900", func() { v.do(http.MethodGet, Path+"?from=900", http.StatusOK, nil) }},
		{feedPath, func() { v.do(http.MethodGet, feedPath, http.StatusOK, nil) }},
		{ExportPath, export},
		{AdminPath, func() { v.admin = true; v.do(http.MethodGet, AdminPath, http.StatusOK, nil); v.admin = false }},
	} {
		const rounds = 20
		c.do() // its template is read
		before := spent(t)
		for range rounds {
			c.do()
		}
		t.Logf("%-22s %s", c.name, (spent(t)-before)/rounds)
	}
}

// fillIn writes a published need with two answers and ten voices; every tenth is the same as
// one of a member.
func fillIn(ctx context.Context, q db.Querier, i int, now core.Moment) error {
	n := Need{ID: fmt.Sprintf("NEED%022d", i), Lang: "en", Goal: strings.Repeat("Share a **calendar** with a choir. ", 6), Obstacle: "There is no form.", Made: now.Add(-time.Duration(i) * time.Hour)}
	n.link = seal.TokenHash(n.ID)
	if err := insert(ctx, q, n); err != nil {
		return err
	}
	n.ShownGoal, n.ShownObstacle, n.Standing, n.State, n.Heard, n.Changed = n.Goal, n.Obstacle, Published, Heard, now, now
	if err := save(ctx, q, n); err != nil {
		return err
	}
	for range 2 {
		if err := addAnswer(ctx, q, n.ID, Answer{State: Heard, Text: "We look into it.", At: now}); err != nil {
			return err
		}
	}
	for voice := range 10 {
		if err := addVoice(ctx, q, n.ID, fmt.Sprintf("%032d", voice)); err != nil {
			return err
		}
	}
	if i%10 != 0 {
		return nil
	}
	return addSame(ctx, q, n.ID, "chaton-7.test", fmt.Sprintf("THEIRS%d", i/10))
}

func spent(t *testing.T) time.Duration {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
