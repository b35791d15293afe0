package core

import "time"

// Moment is an instant in microseconds since 1970 UTC, the one form times take
// in SQL columns (`..._us BIGINT`) and signed entries. Zero means "never" or
// "not yet".
type Moment int64

// At turns a time into a Moment; the zero time becomes the zero Moment.
func At(t time.Time) Moment {
	if t.IsZero() {
		return 0
	}
	return Moment(t.UnixMicro())
}

// Time is the instant in UTC; the zero Moment is the zero time.
func (m Moment) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// Add moves the instant.
func (m Moment) Add(d time.Duration) Moment { return m + Moment(d.Microseconds()) }

// Sub is the time from earlier to m.
func (m Moment) Sub(earlier Moment) time.Duration {
	return time.Duration(m-earlier) * time.Microsecond
}
