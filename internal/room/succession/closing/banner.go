package closing

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/room/succession/closing/stage"
)

// bannerOf is what our pages say above all else, as it was last looked up.
type bannerOf struct {
	until time.Time
	all   []stage.Standing
}

// bannerFor is how long it is believed: pages are many, closings few.
const bannerFor = 15 * time.Second

func (s *Closings) forgetBanner() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.banner.until = time.Time{}
}

// Ending lists our services that end and are not erased, the next last day first.
func (s *Closings) Ending(ctx context.Context) ([]stage.Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.n.Now(); now.After(s.banner.until) || s.banner.until.Sub(now) > bannerFor {
		all, err := s.Of(ctx, s.self())
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(st stage.Standing) bool { return !st.Open() || st.Stage == stage.Erased })
		slices.SortStableFunc(all, func(a, b stage.Standing) int {
			return int(b.LastDay.Until(a.LastDay))
		})
		s.banner = bannerOf{now.Add(bannerFor), all}
	}
	return slices.Clone(s.banner.all), nil
}
