package vault

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/room/vault/rest"
)

// A database that can be read and not written keeps an object due. It is tried again
// after pauses that grow, not at once and for ever.
func TestShippingThatIsNotWrittenDownPauses(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.quiet()
	body := randomBytes(100_000, 1)
	w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	w.exec(`CREATE TRIGGER full BEFORE INSERT ON vault_placement BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	w.exec(`CREATE TRIGGER fuller BEFORE UPDATE ON vault_object BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	w.room.pool.Interval = 50 * time.Millisecond
	failures := make(failureLog, 100)
	w.room.shipping.Log = slog.New(slog.NewTextHandler(failures, nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	began := time.Now()
	go func() { done <- w.room.shipping.Run(ctx) }()
	for range 4 {
		<-failures
	}
	// After the first three failures: 2, 4 and 8 beats.
	if took := time.Since(began); took < 14*w.room.pool.Interval {
		t.Errorf("tried four times in %s", took)
	}
	cancel()
	if err := <-done; err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

// failureLog passes on the lines that say that an object failed.
type failureLog chan string

func (l failureLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("placing an object failed")) {
		l <- string(line)
	}
	return len(line), nil
}
