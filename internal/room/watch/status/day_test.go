package status_test

import (
	"testing"

	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// A service is as its worst target; one that nobody knows about makes no service well.
func TestWorst(t *testing.T) {
	for _, c := range []struct {
		of   []verdict.State
		want verdict.State
	}{
		{nil, verdict.Unknown},
		{[]verdict.State{verdict.Up, verdict.Up}, verdict.Up},
		{[]verdict.State{verdict.Up, verdict.Unknown}, verdict.Unknown},
		{[]verdict.State{verdict.Partial, verdict.Unknown}, verdict.Partial},
		{[]verdict.State{verdict.Up, verdict.Down, verdict.Partial, verdict.Unknown}, verdict.Down},
	} {
		if got := status.Worst(c.of...); got != c.want {
			t.Errorf("%q of %q, not %q", got, c.of, c.want)
		}
	}
}
