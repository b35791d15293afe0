package record

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/schedule"
)

const childEnv = "ENTRECHAT_RECORD_CHILD"

func TestMain(m *testing.M) {
	if address := os.Getenv(childEnv); address != "" {
		if err := child(context.Background(), address); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child records without end, and says after each transaction how many looks are down.
func child(ctx context.Context, address string) error {
	d, err := db.Open(ctx, address)
	if err != nil {
		return err
	}
	r, err := New(ctx, Needs{DB: d, Fit: func() schedule.Fitness { return schedule.Fitness{Fit: true} }, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	for n := 0; ; {
		for range 50 {
			r.Add("chaton-b.test", fmt.Sprintf("%016x", n%7), look.Result{At: core.At(time.Now())})
			n++
		}
		if err := r.flush(ctx); err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, n)
	}
}

// What was written is there after kill -9, at any moment.
func TestKilled(t *testing.T) {
	address := dbtest.Address(t)
	d, err := db.Open(t.Context(), address)
	must(t, err)
	defer d.Close()
	must(t, db.Migrate(t.Context(), d, "watch", migrations.Files))
	said := 0
	for round := range 10 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"="+address), os.Stderr
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		last, lines := 0, bufio.NewScanner(out)
		for i := 0; i < 5+17*round && lines.Scan(); i++ {
			if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
				t.Fatal(err)
			}
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() { // what was still in the pipe
			if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
		said += last
		n := 0
		r := recorder(t, d, &clock{at: time.Now(), fit: true})
		for i := range 7 {
			all, err := r.Series(t.Context(), "chaton-b.test", fmt.Sprintf("%016x", i), core.At(time.Now().Add(-time.Hour)), core.At(time.Now().Add(time.Minute)))
			must(t, err)
			n += len(all)
		}
		if n < said || n > said+50*(round+1) {
			t.Fatalf("round %d: %d looks are there, %d were written", round, n, said)
		}
	}
}
