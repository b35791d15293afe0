package incident

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

func TestTimeDown(t *testing.T) {
	at := func(minute int) core.Moment { return core.Moment(0).Add(time.Duration(minute) * time.Minute) }
	s := func(minute int, target string, state verdict.State) step {
		return step{Target: target, State: state, At: at(minute)}
	}
	for name, c := range map[string]struct {
		steps   []step
		end     int
		excused []period
		want    int
	}{
		"one outage":       {[]step{s(0, "a", verdict.Down), s(61, "a", verdict.Up)}, 61, nil, 61},
		"two that overlap": {[]step{s(0, "a", verdict.Down), s(30, "b", verdict.Down), s(61, "a", verdict.Up), s(70, "b", verdict.Up)}, 70, nil, 70},
		"two with a gap":   {[]step{s(0, "a", verdict.Down), s(20, "a", verdict.Up), s(50, "a", verdict.Down), s(60, "a", verdict.Up)}, 60, nil, 30},
		"partial goes on":  {[]step{s(0, "a", verdict.Down), s(20, "a", verdict.Partial), s(61, "a", verdict.Up)}, 61, nil, 61},
		"withdrawn":        {[]step{s(0, "a", verdict.Down), s(20, "a", Withdrawn)}, 20, nil, 20},
		"ended by hand":    {[]step{s(0, "a", verdict.Down), s(20, "a", verdict.Unknown)}, 90, nil, 90},
		"manual":           {nil, 90, nil, 0},
		"in maintenance":   {[]step{s(0, "a", verdict.Down), s(90, "a", verdict.Up)}, 90, []period{{at(40), at(60)}, {at(-10), at(20)}, {at(50), at(55)}, {at(200), at(300)}}, 50},
		"all maintenance":  {[]step{s(0, "a", verdict.Down), s(90, "a", verdict.Up)}, 90, []period{{at(-1), at(91)}}, 0},
	} {
		if got := apart(downs(c.steps, at(c.end)), c.excused); got != time.Duration(c.want)*time.Minute {
			t.Errorf("%s: %s, want %d minutes", name, got, c.want)
		}
	}
}
