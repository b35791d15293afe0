package vault

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/recovery"
)

//go:embed pages/*.html
var pages embed.FS

const statusPath = "/admin/vault"

// web is the room's pages for people.
func (r *Room) web(site *web.Site) web.Pages {
	status := web.NewPage[statusPage](site, pages, "pages/status.html")
	return web.Pages{
		Routes: append(forms{r, site}.routes(), web.Route{Pattern: "GET " + statusPath, Handler: status.Show(func(req *http.Request) (statusPage, error) {
			return r.statusPage(req.Context(), site.Printer(req))
		})}),
		Menu: []web.Entry{{Path: statusPath, Key: "vault.menu", Group: web.GroupBackups, Order: 50}},
		Overview: []web.Panel{web.NewPanel(site, pages, "pages/summary.html", func(req *http.Request) (statusPage, bool, error) {
			page, err := r.statusPage(req.Context(), site.Printer(req))
			return page, true, err
		})},
	}
}

// statusPage is how all backups stand.
type statusPage struct {
	Backups      []backupLine
	Pool         string // how many members keep them
	PoolSeverity string
	NoRoom       []string // said while there is no room at the members
	Silent       []string // the lenders of whom nothing good is known
	Leaving      []string // the members that lend nothing new
	Troubles     []string
	Standing     []string // whether what is said can be believed
	Trusted      bool
	Strip, Curve template.HTML // the last days; empty while none is known
	Unproved     bool          // nobody has typed the printed words back yet
}

// backupLine is one backup as a page writes it.
type backupLine struct {
	health.Status
	Says     string
	Severity string // class of the level
	Facts    []string
	Members  []memberLine
	Kinds    []kindLine
	Use      string        // where restic's commands stand
	Parts    template.HTML // how the files that lie worst are cut; empty while nothing is off-site
}

type memberLine struct {
	health.At
	Says, Severity string
}

type kindLine struct {
	health.Kind
	Says, How string
}

func (r *Room) statusPage(ctx context.Context, p *words.Printer) (page statusPage, err error) {
	report, err := r.doctor.Status(ctx, "")
	if err != nil {
		return page, err
	}
	for _, s := range report.Backups {
		page.Backups = append(page.Backups, lineOf(r.n.Now(), p, s))
	}
	page.Pool, page.PoolSeverity = poolWords(p, report), "fine"
	if report.Domains < 2 {
		page.PoolSeverity = "warn"
	}
	page.Standing, page.Trusted = catalogueWords(r.n.Now(), p, report.Catalogue), report.Catalogue.Standing == recovery.Whole
	page.NoRoom, page.Silent = roomWords(r.n.Now(), p, report.NoRoom), silentWords(p, report.Silent, r.n.Now())
	page.Leaving = leaverWords(p, report.Leaving)
	page.Troubles = troubleWords(r.n.Now(), p, report.Troubles)
	if page.Strip, page.Curve, err = r.days(ctx, p); err != nil {
		return page, err
	}
	checked, err := r.kitChecked(ctx)
	page.Unproved = checked == 0 && len(page.Backups) > 0
	return page, err
}

func lineOf(now time.Time, p *words.Printer, s health.Status) backupLine {
	line := backupLine{Status: s, Says: p.T("vault.level."+string(s.Level), nil), Severity: levelSeverity(s.Level), Facts: factWords(now, p, s)}
	for _, m := range s.Members {
		at := memberLine{m, m.Says(p, now), "fine"}
		if !m.Well {
			at.Severity = "warn"
		}
		line.Members = append(line.Members, at)
	}
	for _, k := range s.Kinds {
		line.Kinds = append(line.Kinds, kindLine{k, p.T("vault.kind."+string(k.Type), nil), codeWords(p, k)})
	}
	line.Use, line.Parts = useURL(s.Name), partsPicture(p, s.Kinds)
	return line
}

// partsPicture draws how the files lie of which the fewest members may be lost.
func partsPicture(p *words.Printer, kinds []health.Kind) template.HTML {
	if len(kinds) == 0 {
		return ""
	}
	worst := slices.MinFunc(kinds, func(a, b health.Kind) int { return cmp.Compare(a.Losses, b.Losses) })
	circles := web.Circles{Needed: 1}
	if n, err := fmt.Sscanf(worst.Code, "%d/%d", &circles.Needed, &circles.Total); n < 2 || err != nil {
		circles.Needed, circles.Total = 1, 0
		if _, err := fmt.Sscanf(worst.Code, "%d x 1", &circles.Total); err != nil {
			return ""
		}
	}
	circles.Lost = circles.Total - circles.Needed - worst.Losses
	circles.Title = p.T("vault.page.parts", args{"Count": circles.Total, "Left": circles.Total - circles.Lost, "Needed": circles.Needed})
	return circles.HTML()
}

func levelSeverity(l health.Level) string {
	switch l {
	case health.LevelSafe:
		return "fine"
	case health.LevelLost, health.LevelBehind, health.LevelLocked:
		return "trouble"
	case health.LevelEmpty:
		return "none"
	case health.LevelOneCopy, health.LevelWaiting, health.LevelUnknown:
	}
	return "warn"
}

// limits are what people who trust us with data should know of our backups.
func (r *Room) limits(ctx context.Context) ([]fit.Limit, error) {
	report, err := r.doctor.Public(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(report.Backups, health.Status.Doubted) {
		return []fit.Limit{{Key: "vault.limit_doubt"}}, nil
	}
	var oldest core.Moment
	losses := -1
	for _, s := range report.Backups {
		if s.Level == health.LevelEmpty {
			continue
		}
		if s.Offsite == 0 {
			return []fit.Limit{{Key: "vault.limit_here"}}, nil
		}
		if oldest == 0 || s.Offsite < oldest {
			oldest = s.Offsite
		}
		if losses < 0 || s.Losses < losses {
			losses = max(s.Losses, 0)
		}
	}
	if oldest == 0 {
		return nil, nil
	}
	return []fit.Limit{
		{Key: "vault.limit_away", Args: args{"Count": report.Lenders, "Domains": report.Domains, "Date": oldest}},
		{Key: "vault.limit_losses", Args: args{"Count": losses}},
	}, nil
}
