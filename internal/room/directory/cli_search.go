package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/room/directory/api"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/site"
)

func (c cli) search() *cobra.Command {
	var q catalogue.Query
	var kind string
	cmd := c.command("search [WORD...]", "search", cobra.ArbitraryArgs, func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		if q.Kind = catalogue.Kind(kind); kind != "" && !slices.Contains(catalogue.Kinds(), q.Kind) {
			return core.Invalid("directory.bad_kind", fmt.Errorf("%.40q", kind)).With("Kind", kind).With("Kinds", kindList())
		}
		q.Text, q.Day = strings.Join(typed, " "), r.n.Now()
		q.Page--
		found, err := r.Catalogue.Find(cmd.Context(), q)
		if err != nil {
			return err
		}
		hits, rows := []api.Hit{}, [][]string{}
		for _, f := range found.Services {
			hits = append(hits, api.HitOf(f.Service, f.Hoster, core.At(r.n.Now())))
			rows = append(rows, []string{
				f.Service.Name, f.Hoster.Name, string(f.Service.Kind), strings.Join(site.AccessWords(out.P, f.Service.Access), ", "),
				out.P.Ago(f.Service.Author.Said, r.n.Now()), f.Service.Website,
			})
		}
		return out.Emit(map[string]any{"total": found.Total, "services": hits}, func() {
			if len(rows) == 0 {
				out.Say("directory.search.nothing", nil)
				return
			}
			out.Table([]string{"directory.col.service", "directory.col.hoster", "directory.col.kind", "directory.col.who", "directory.col.said", "directory.col.url"}, rows)
			if found.Total > len(rows) {
				out.Note("directory.search.more", args{"Page": q.Page + 1, "Count": found.Total})
			}
		})
	})
	f := cmd.Flags()
	f.StringVar(&kind, "kind", "", c.p.T("directory.flag.kind", nil))
	f.StringVar(&q.Language, "language", "", c.p.T("directory.flag.language", nil))
	f.StringVar(&q.Town, "town", "", c.p.T("directory.flag.town", nil))
	f.BoolVar(&q.Open, "open", false, c.p.T("directory.flag.open", nil))
	f.BoolVar(&q.WithoutAccount, "without-account", false, c.p.T("directory.flag.without_account", nil))
	f.IntVar(&q.Page, "page", 1, c.p.T("directory.flag.page", nil))
	return cmd
}

func kindList() string {
	all := make([]string, 0, len(catalogue.Kinds()))
	for _, k := range catalogue.Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

func (c cli) hosters() *cobra.Command {
	page := 1
	cmd := c.command("hosters [KEY]", "hosters", cobra.MaximumNArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		if len(typed) == 1 {
			return showHoster(cmd.Context(), r, out, typed[0])
		}
		found, err := r.Catalogue.Hosters(cmd.Context(), catalogue.HosterQuery{Page: page - 1, Day: r.n.Now()})
		if err != nil {
			return err
		}
		all, rows := []api.Hoster{}, [][]string{}
		for _, h := range found.Hosters {
			all = append(all, api.HosterOf(h))
			rows = append(rows, []string{h.Name, h.Author.Key, strings.Trim(h.Town+", "+h.Country, ", "), out.P.Ago(h.Author.Said, r.n.Now())})
		}
		return out.Emit(map[string]any{"total": found.Total, "hosters": all}, func() {
			if len(rows) == 0 {
				out.Say("directory.hosters.nothing", nil)
				return
			}
			out.Table([]string{"directory.col.hoster", "directory.col.name", "directory.col.place", "directory.col.said"}, rows)
			if found.Total > len(rows) {
				out.Note("directory.search.more", args{"Page": page, "Count": found.Total})
			}
		})
	})
	cmd.Flags().IntVar(&page, "page", 1, c.p.T("directory.flag.page", nil))
	return cmd
}

func showHoster(ctx context.Context, r *Room, out *console.Out, key string) error {
	h, services, err := r.Catalogue.Hoster(ctx, key)
	if err != nil {
		return err
	}
	l, rows := api.HosterOf(h), [][]string{}
	for _, s := range services {
		l.Services = append(l.Services, api.HitOf(s, h, core.At(r.n.Now())))
		rows = append(rows, []string{s.Name, string(s.Kind), strings.Join(site.AccessWords(out.P, s.Access), ", "), out.P.Ago(s.Author.Said, r.n.Now()), s.Website})
	}
	return out.Emit(l, func() {
		for _, line := range []string{h.Name, h.About, strings.Trim(h.Town+", "+h.Country, ", "), h.Website, h.Contact} {
			if line != "" {
				out.Line(line)
			}
		}
		if len(rows) > 0 {
			out.Table([]string{"directory.col.service", "directory.col.kind", "directory.col.who", "directory.col.said", "directory.col.url"}, rows)
		}
	})
}
