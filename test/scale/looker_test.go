//go:build scale

package scale

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
)

// TestMain lets this binary be the farm, or what looks at it, in a process of its own.
func TestMain(m *testing.M) {
	role, dir := os.Getenv("ENTRECHAT_SCALE_ROLE"), os.Getenv("ENTRECHAT_SCALE_DIR")
	var err error
	switch role {
	case "":
		os.Exit(m.Run())
	case "farm":
		err = runFarm(dir)
	case "looker":
		err = runLooker(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lookerSays is what the looker answers to each line.
type lookerSays struct {
	Begun    int64 // microseconds since 1970
	Counts   schedule.Counts
	Classes  map[look.Class]int64
	Dropped  int64 // looks that the record had no room for
	Unfit    int64
	Examples []string // details of failures
}

// farmItems are the farm's targets as the room schedules them.
func farmItems(p farmPlace) []schedule.Item {
	var all []schedule.Item
	for i := range farmTargets {
		t := target.Target{
			ID: fmt.Sprintf("%016x", i), Owner: core.MemberID(fmt.Sprintf("chaton-%d.test", i*farmHosters/farmTargets)),
			Service: fmt.Sprintf("service %d", i), Kind: target.HTTP, Every: farmEvery,
		}
		switch farmKind(i) {
		case "tcp":
			t.Kind, t.Address, t.Expect.Text = target.TCP, farmAddress(i)+":"+p.TCP, "220 "
		case "http":
			t.Address, t.Expect.Text = "http://"+farmAddress(i)+":"+p.HTTP+"/", farmText
		default:
			t.Address, t.Expect.Text = "https://"+farmAddress(i)+":"+p.HTTPS+"/", farmText
		}
		all = append(all, schedule.Item{Target: t, Every: farmEvery, Phase: -1})
	}
	return all
}

// runLooker is the room's part that looks: scheduler, looks and record on SQLite, with
// their jobs. It begins at the first line of its input and answers each one.
func runLooker(ctx context.Context, dir string) error {
	var place farmPlace
	if err := json.Unmarshal([]byte(os.Getenv("ENTRECHAT_SCALE_FARM")), &place); err != nil {
		return err
	}
	ca, err := os.ReadFile(place.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(dir, "looker.db"))
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, d, "watch", migrations.Files); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	looker := look.New(look.Needs{Self: "chaton-self.test", Private: true, Roots: roots, Agent: "entrechat (https://chaton-self.test/watch)", Now: time.Now})
	says := lookerSays{Classes: map[look.Class]int64{}}
	var mu sync.Mutex
	var rec *record.Recorder
	sched := schedule.New(schedule.Needs{
		Self: "chaton-self.test", Look: looker.Look, Now: time.Now, Log: logger,
		Found: func(_ context.Context, t target.Target, r look.Result) {
			kept := rec.Add(t.Owner, t.ID, r)
			mu.Lock()
			defer mu.Unlock()
			says.Classes[r.Class]++
			if !kept {
				says.Dropped++
			}
			if r.Class == look.Unfit {
				says.Unfit++
			}
			if r.Class.Failure() && r.Class != look.Timeout && len(says.Examples) < 5 {
				says.Examples = append(says.Examples, t.Address+": "+string(r.Class)+" "+r.Detail)
			}
		},
	})
	if rec, err = record.New(ctx, record.Needs{DB: d, Fit: sched.Fit, Now: time.Now, Log: logger}); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	says.Begun = time.Now().UnixMicro()
	sched.Set(farmItems(place))
	go func() { _ = sched.Run(ctx) }()
	go func() { _ = rec.Run(ctx) }()
	go jobs.Run(ctx, logger, rec.Jobs())
	for {
		mu.Lock()
		says.Counts = sched.Counts()
		err := json.NewEncoder(os.Stdout).Encode(says)
		mu.Unlock()
		if err != nil || !lines.Scan() {
			return err
		}
	}
}
