package incident

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

const noon = core.Moment(1_795_608_000_000_000) // 2026-11-25 12:00 UTC

// at makes a step so many minutes after noon; its key sorts by that time.
func at(minutes int, service string, state verdict.State) step {
	return step{
		Key: fmt.Sprintf("%064x", 0x1000000+minutes*1000+len(service)), Target: "t-" + service, Service: service, State: state,
		At: noon.Add(time.Duration(minutes) * time.Minute),
	}
}

func TestDerive(t *testing.T) {
	down, up := verdict.Down, verdict.Up
	type want struct {
		opened, closed int // minutes; -1 = open
		scope          Scope
		services       []string
		unstable       bool
	}
	for name, c := range map[string]struct {
		steps []step
		want  []want
	}{
		"nothing":              {},
		"partial alone":        {steps: []step{at(0, "pad", verdict.Partial), at(5, "pad", up)}},
		"up alone":             {steps: []step{at(0, "pad", up)}},
		"one service":          {steps: []step{at(0, "pad", down), at(9, "pad", up)}, want: []want{{0, 9, Service, []string{"pad"}, false}}},
		"still down":           {steps: []step{at(0, "pad", down), at(4, "pad", verdict.Unknown)}, want: []want{{0, -1, Service, []string{"pad"}, false}}},
		"partial is no end":    {steps: []step{at(0, "pad", down), at(4, "pad", verdict.Partial), at(8, "pad", up)}, want: []want{{0, 8, Service, []string{"pad"}, false}}},
		"the target withdrawn": {steps: []step{at(0, "pad", down), at(4, "pad", Withdrawn)}, want: []want{{0, 4, Service, []string{"pad"}, false}}},
		"after its withdrawal nothing counts": {
			steps: []step{at(0, "pad", down), at(4, "pad", Withdrawn), at(5, "pad", down), at(-9, "wiki", Withdrawn), at(6, "wiki", down)},
			want:  []want{{0, 4, Service, []string{"pad"}, false}},
		},
		"two services": {
			steps: []step{at(0, "pad", down), at(1, "wiki", down), at(9, "pad", up), at(20, "wiki", up)},
			want:  []want{{0, 9, Service, []string{"pad"}, false}, {1, 20, Service, []string{"wiki"}, false}},
		},
		"three together, a fourth follows, a fifth does not": {
			steps: []step{
				at(0, "pad", down), at(3, "wiki", down), at(6, "cloud", down), at(15, "forge", down), at(26, "video", down),
				at(30, "pad", up), at(31, "wiki", up), at(32, "cloud", up), at(40, "forge", up), at(50, "video", up),
			},
			want: []want{{0, 40, Hoster, []string{"cloud", "forge", "pad", "wiki"}, false}, {26, 50, Service, []string{"video"}, false}},
		},
		"one was down for hours": {
			steps: []step{at(-300, "pad", down), at(0, "wiki", down), at(1, "cloud", down)},
			want:  []want{{-300, -1, Service, []string{"pad"}, false}, {0, -1, Service, []string{"wiki"}, false}, {1, -1, Service, []string{"cloud"}, false}},
		},
		"three, but not at the same time": {
			steps: []step{at(0, "pad", down), at(2, "pad", up), at(3, "wiki", down), at(4, "wiki", up), at(5, "cloud", down), at(7, "cloud", up)},
			want:  []want{{0, 2, Service, []string{"pad"}, false}, {3, 4, Service, []string{"wiki"}, false}, {5, 7, Service, []string{"cloud"}, false}},
		},
		"flapping is one, unstable": {
			steps: []step{
				at(0, "pad", down), at(5, "pad", up), at(20, "pad", down), at(25, "pad", up), at(50, "pad", down), at(61, "pad", up),
				at(200, "pad", down), at(205, "pad", up),
			},
			want: []want{{0, 61, Service, []string{"pad"}, true}, {200, 205, Service, []string{"pad"}, false}},
		},
		"twice within an hour and more is two": {
			steps: []step{at(0, "pad", down), at(5, "pad", up), at(50, "pad", down), at(62, "pad", up)},
			want:  []want{{0, 5, Service, []string{"pad"}, false}, {50, 62, Service, []string{"pad"}, false}},
		},
	} {
		var got []want
		for _, d := range derive("a.test", c.steps) {
			w := want{int(d.Opened.Sub(noon) / time.Minute), -1, d.Scope, d.Services, d.Unstable}
			if !d.Open() {
				w.closed = int(d.Closed.Sub(noon) / time.Minute)
			}
			got = append(got, w)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(want{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTwoTargetsOfOneService(t *testing.T) {
	other := at(3, "pad", verdict.Down)
	other.Target = "t-other"
	otherUp := at(12, "pad", verdict.Up)
	otherUp.Target = "t-other"
	all := derive("a.test", []step{at(0, "pad", verdict.Down), other, at(5, "pad", verdict.Up), otherUp})
	if len(all) != 1 || all[0].Closed != noon.Add(12*time.Minute) || len(all[0].Targets) != 2 || all[0].Weak {
		t.Errorf("%+v", all)
	}
}

// drawSteps makes a random history of a few services.
func drawSteps(t *rapid.T) (out []step) {
	states := []verdict.State{verdict.Down, verdict.Down, verdict.Up, verdict.Up, verdict.Partial, verdict.Unknown, Withdrawn}
	for n := range rapid.IntRange(0, 40).Draw(t, "n") {
		service := rapid.SampledFrom([]string{"pad", "wiki", "cloud", "forge"}).Draw(t, "service")
		out = append(out, step{
			Key: fmt.Sprintf("%064x", n*7919%1009), Target: service + rapid.SampledFrom([]string{"1", "2"}).Draw(t, "target"), Service: service,
			State: rapid.SampledFrom(states).Draw(t, "state"), Weak: rapid.Bool().Draw(t, "weak"),
			At: noon.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "at")) * time.Minute),
		})
	}
	return out
}

func TestDeriveHasNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t)
		want := derive("a.test", steps)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		mixed := slices.Clone(steps)
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if diff := cmp.Diff(want, derive("a.test", mixed), cmp.AllowUnexported(derived{})); diff != "" {
			t.Fatal(diff)
		}
		keys := map[string]bool{}
		for _, d := range want {
			if !slices.Contains(d.keys, d.ID) || d.Closed != 0 && d.Closed < d.Opened || d.Scope == Hoster && len(d.Services) < together {
				t.Fatalf("%+v", d)
			}
			for _, k := range d.keys {
				if keys[k] {
					t.Fatalf("step %s is in two incidents", k)
				}
				keys[k] = true
			}
		}
	})
}
