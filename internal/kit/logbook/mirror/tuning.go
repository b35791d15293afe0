package mirror

import "time"

// Tuning is the exchange's pace. Zero fields take the design's values, which were
// simulated for 100 to 10,000 members.
type Tuning struct {
	Pull    time.Duration // between rounds; 5 minutes
	Push    time.Duration // between looks whether our log grew; 2 seconds
	Deliver time.Duration // between looks whether any log grew; 2 seconds
	Lease   time.Duration // between looks whether a command asks for us; 200 ms, at most 9 minutes
	Wait    time.Duration // a round waits for its last members; 5 seconds
	Answer  time.Duration // a command waits for the node to say that it lives; 3 seconds
	Resign  time.Duration // between signing our head anew; 6 hours
	Fixed   int           // neighbours pulled each round, posted to, and listened to; 3
	Random  int           // others pulled each round; 1, negative = none
	// Start is how many bytes are kept of a member at first; 64 MiB.
	Start int64
	// NoListen leaves the long polls out.
	NoListen bool
	// NoForward answers nothing about others: a bad neighbour, for simulations.
	NoForward bool
}

// OrDefault fills the zero fields. It is applied once: its answer has no zero to read.
func (t Tuning) OrDefault() Tuning {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Pull, 5 * time.Minute},
		{&t.Push, 2 * time.Second},
		{&t.Deliver, 2 * time.Second},
		{&t.Lease, 200 * time.Millisecond},
		{&t.Wait, 5 * time.Second},
		{&t.Answer, 3 * time.Second},
		{&t.Resign, 6 * time.Hour},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if t.Fixed == 0 {
		t.Fixed = 3
	}
	if t.Start == 0 {
		t.Start = startBytes
	}
	if t.Random == 0 {
		t.Random = 1
	}
	t.Random = max(t.Random, 0)
	return t
}
