package deal

import (
	"testing"
	"time"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/migrations"
)

// Each rule of dealing refuses with its own sentence, and leaves nothing behind.
func TestRulesOfDealing(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	w.nodes["chaton-b.test"].site, w.nodes["chaton-c.test"].site = "AS1", "AS1"
	w.nodes["chaton-e.test"].promises = false
	day := 24 * time.Hour
	hours := func(d time.Duration) *time.Duration { return &d }
	b, c, d := "chaton-b.test", "chaton-c.test", "chaton-d.test"
	for key, wish := range map[string]Wish{
		"custody.deal.k_too_small": {K: 1, To: []string{b, d}},
		"custody.deal.k_too_large": {K: 3, To: []string{b, c, d}},
		"custody.deal.twice":       {K: 2, To: []string{b, d, d}},
		"custody.deal.all_ours":    {K: 2, Paper: []string{"safe", "bank", "aunt"}},
		"custody.deal.together":    {K: 2, To: []string{b, c, d}},
		"custody.deal.no_holder":   {K: 2, To: []string{b, d, "nobody at all"}},
		"custody.deal.no_promise":  {K: 2, To: []string{b, d, "chaton-e.test"}},
		"custody.deal.bad_label":   {K: 2, To: []string{b, d}, Paper: []string{" "}},
		"custody.deal.bad_wait":    {K: 2, To: []string{b, d, "ana"}, Wait: hours(23 * time.Hour)},
		"custody.box.empty":        {K: 2, To: []string{b, d, "ana"}, Content: []byte(" \n")},
		"custody.box.too_large":    {K: 2, To: []string{b, d, "ana"}, Content: make([]byte, box.MaxContent+1)},
		"custody.box.bad_scope":    {K: 2, To: []string{b, d, "ana"}, Scope: "data:../x"},
	} {
		if wish.Scope == "" {
			wish.Scope = box.Domain
		}
		if wish.Content == nil {
			wish.Content = []byte("x")
		}
		if len(wish.Content) > box.MaxContent {
			wish.Content[0] = 'x'
		}
		_, err := w.owner().Make(t.Context(), wish)
		wants(t, err, key)
	}
	_, err := w.owner().Make(t.Context(), Wish{Scope: box.Domain, K: 2, To: []string{b, d, "ana"}, Content: []byte("x"), Wait: hours(46 * day)})
	wants(t, err, "custody.deal.bad_wait") // a second one, after a veto, would not fit the life of an ask
	if left := must(w.owner().All(t.Context())); len(left) != 0 {
		t.Errorf("%d deals were left behind", len(left))
	}
	if own := w.deal(Wish{Scope: box.Serve, K: 2, Paper: []string{"safe", "bank", "aunt"}, Alone: true, Content: []byte("x"), Wait: hours(3 * day)}); own.Wait() != 3*day {
		t.Error(own.Wait())
	}
	if own := w.deal(Wish{Scope: "data:files", K: 2, To: []string{b, d, "ana"}, Content: []byte("x")}); own.Wait() != 3*day {
		t.Error(own.Wait())
	}
}

func TestWhenADealStands(t *testing.T) {
	for _, c := range []struct {
		k, n, acked int64
		forced      bool
		want        bool
	}{
		{3, 5, 5, false, true},
		{3, 5, 4, false, false},
		{3, 5, 4, true, true},
		{3, 5, 3, true, false},
		{2, 3, 3, true, true},
		{2, 3, 2, true, false},
	} {
		if got := mayStand(c.k, c.n, c.acked, c.forced); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
