package record

import (
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
)

// Point is what is kept of one look.
type Point struct {
	At      core.Moment // to a millisecond while it is raw, then to a tenth of a second
	Class   look.Class
	Latency time.Duration // whole milliseconds
	Family  int           // 4 or 6; 0 = there was no connection
	Half    bool          // the other address family failed
}

// other stands for classes that a newer program wrote; it is a failure.
const other look.Class = "other"

// classes are the classes by their number in the database: only ever add at the end.
func classes() []look.Class {
	return []look.Class{
		look.Fine, look.Slow, look.DNS, look.Refused, look.Timeout, look.Reset, look.TLS, look.Cert, look.HTTP4xx,
		look.HTTP5xx, look.Content, look.Blocked, look.Silent, look.Failed, look.Stale, look.Unfit,
	}
}

// codec knows the numbers of classes.
type codec struct {
	numbers map[look.Class]byte
	classes []look.Class
}

func newCodec() codec {
	c := codec{numbers: map[look.Class]byte{}, classes: classes()}
	for i, class := range c.classes {
		c.numbers[class] = byte(i)
	}
	return c
}

// The bits of a look's flags.
const (
	classBits  = 0x1f // the number of the class; otherClass = one that has none
	otherClass = 0x1f
	familyBits = 0x60 // 0x20 IPv4, 0x40 IPv6
	family4    = 0x20
	family6    = 0x40
	halfBit    = 0x80
)

// most is the longest latency that is kept, a day in milliseconds.
const most = 24 * 60 * 60 * 1000

// raw is a look as blocks hold it.
type raw struct {
	ms     int64 // since 1970
	series int64
	flags  byte
	took   int64 // milliseconds
}

func (c codec) raw(series int64, r look.Result) raw {
	number, ok := c.numbers[r.Class]
	if !ok {
		number = otherClass
	}
	switch r.Family {
	case 4:
		number |= family4
	case 6:
		number |= family6
	}
	if r.Half != look.Fine {
		number |= halfBit
	}
	took := min(max((r.Latency+time.Millisecond/2).Milliseconds(), 0), most)
	return raw{ms: int64(r.At) / 1000, series: series, flags: number, took: took}
}

func (c codec) class(flags byte) look.Class {
	if n := int(flags & classBits); n < len(c.classes) {
		return c.classes[n]
	}
	return other
}

func (c codec) point(r raw) Point {
	p := Point{At: core.Moment(r.ms * 1000), Class: c.class(r.flags), Latency: time.Duration(r.took) * time.Millisecond, Half: r.flags&halfBit != 0}
	switch r.flags & familyBits {
	case family4:
		p.Family = 4
	case family6:
		p.Family = 6
	}
	return p
}

// Sum is what an hour's or a day's looks of one target come to. The zero value is no look.
type Sum struct {
	From core.Moment // when the hour or the day begins, UTC
	// Looks of each class, Unfit among them.
	Classes map[look.Class]int64
	// P50 and P95 are the latency that half, and 95 of 100, of the looks kept which were
	// well; zero = none was.
	P50, P95 time.Duration
}

// Looks counts those that say something of the target, and how many of these failed.
func (s Sum) Looks() (all, failed int64) {
	for class, n := range s.Classes {
		if class == look.Unfit {
			continue
		}
		all += n
		if class.Failure() {
			failed += n
		}
	}
	return all, failed
}

// sum adds up looks; it reorders its own copy only.
func (c codec) sum(all []raw) Sum {
	s := Sum{Classes: map[look.Class]int64{}}
	var well []int64
	for _, r := range all {
		class := c.class(r.flags)
		s.Classes[class]++
		if class == look.Fine || class == look.Slow {
			well = append(well, r.took)
		}
	}
	slices.Sort(well)
	s.P50, s.P95 = rank(well, 50), rank(well, 95)
	return s
}

// rank is the nearest-rank percentile of sorted milliseconds.
func rank(sorted []int64, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return time.Duration(sorted[(len(sorted)*percent+99)/100-1]) * time.Millisecond
}
