package succession

import (
	"context"
	"errors"
	"maps"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/web"
)

// joined is what several folders hand to the house, as one.
func joined(all ...fit.Fittings) (sum fit.Fittings) {
	sum.Entries = map[string]string{}
	for _, f := range all {
		sum.Readers = append(sum.Readers, f.Readers...)
		sum.Pages = append(sum.Pages, f.Pages...)
		sum.Tools = append(sum.Tools, f.Tools...)
		sum.Peer = append(sum.Peer, f.Peer...)
		sum.Jobs = append(sum.Jobs, f.Jobs...)
		sum.Checks = append(sum.Checks, f.Checks...)
		maps.Copy(sum.Entries, f.Entries)
	}
	sum.Web = func(site *web.Site) (out web.Pages) {
		for _, f := range all {
			if f.Web == nil {
				continue
			}
			p := f.Web(site)
			out.Routes, out.Menu, out.Feeds = append(out.Routes, p.Routes...), append(out.Menu, p.Menu...), append(out.Feeds, p.Feeds...)
			out.Home, out.Overview, out.Alarms = append(out.Home, p.Home...), append(out.Overview, p.Overview...), append(out.Alarms, p.Alarms...)
			out.Banners = append(out.Banners, p.Banners...)
		}
		return out
	}
	sum.Metrics = func(ctx context.Context) (out []obs.Metric, err error) {
		for _, f := range all {
			if f.Metrics != nil {
				some, bad := f.Metrics(ctx)
				out, err = append(out, some...), errors.Join(err, bad)
			}
		}
		return out, err
	}
	sum.Limits = func(ctx context.Context) (out []fit.Limit, err error) {
		for _, f := range all {
			if f.Limits != nil {
				some, bad := f.Limits(ctx)
				out, err = append(out, some...), errors.Join(err, bad)
			}
		}
		return out, err
	}
	return sum
}
