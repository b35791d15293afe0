// Package web is the part of a node that people see: the frame around every page, French and
// English, who may see the admin's half, and the rules that keep browsers safe.
// Pages are made on the server, need no JavaScript but for what only scripts can do (see
// Script), and load nothing from anybody else. A room brings its own pages and hands them over as fit.Fittings.Web.
//
// # A room's page
//
// The template stands in the room's pages/members.html. It defines "title" and
// "main", each called with the page's type; the frame, with menu, languages,
// landmarks and skip link, comes from here. "main" begins with the one <h1>:
//
//	{{define "title"}}{{t "trust.members_title"}}{{end}}
//	{{define "main"}}<h1>{{template "title" .}}</h1>
//	{{range .Members}}<p>{{.Name}}, {{template "when" .Heard}}</p>
//	{{else}}<p>{{t "trust.no_members"}}</p>{{end}}{{end}}
//
// The type says what the template may name. A name that is missing, or of the
// wrong type, stops the program when it starts, and any test that opens the
// room's pages:
//
//	//go:embed pages/*.html
//	var pages embed.FS
//
//	type membersPage struct{ Members []MemberView }
//
//	func (r *Room) web(site *web.Site) web.Pages {
//		members := web.NewPage[membersPage](site, pages, "pages/members.html")
//		return web.Pages{
//			Routes: []web.Route{{Pattern: "GET /members", Handler: members.Show(
//				func(req *http.Request) (membersPage, error) {
//					list, err := r.Members(req.Context())
//					return membersPage{list}, err
//				})}},
//			Menu: []web.Entry{{Path: "/members", Key: "trust.menu_members", Order: 30}},
//		}
//	}
//
//	fit.Fittings{Name: "trust", Web: r.web, ...}
//
// Templates may call t (a sentence: {{t "trust.until" "Day" (day .Until)}}),
// sentence (the same for a key and places that come as data), day, date, ago,
// stamp, bytes, size (of an int64), percent, span, {{template "when" .Moment}} and
// {{template "field" .Field}}.
//
// There is no inline style or script: the policy refuses both. The stylesheet's
// classes are: lead; soft; hint; note and state (each with fine, warn, trouble or
// none); checks, a list whose items have these; cards around card; wide around a
// table (with tabindex="0" role="region" aria-label); number; buttons around button
// and quiet; tick around a checkbox; six for a fingerprint; no-print; print-only.
//
// # Pictures
//
// Ring, Circles, Strip, DayBars, Calendar, Bars, Grid and Curve are SVG made by the node, without script or
// inline style. A page's type holds the template.HTML that their method HTML gives.
// Each carries a Caption: colour never says a thing alone, its words stand below.
// Severity (Fine, Warn, Trouble, None) is the class of a state, a note and a picture.
//
// # The admin's half
//
// Whatever is below /admin/ is shown to who is signed in and to nobody else,
// whoever wrote its handler. A form is one handler for GET and POST, on a pattern
// without a method:
//
//	{Pattern: "/admin/file", Handler: file.Form(r.read, r.save)}
//
// save returns the address to go on to. An error of CodeInvalid, CodeConflict or
// CodeFull shows the form again with its sentence on top. Requests from other
// sites never reach a handler, by net/http's CrossOriginProtection; pages need no
// token. A GET changes nothing.
//
// # Menus
//
// Public, by Order: 10 services, 30 members, 40 limits, 90 contact. The admin's menu is
// grouped by what a person wants: an Entry says its Group and its Order within. A group
// that has one page is that page, under the group's name. Below 40rem (the admin's: 60rem)
// the menu folds.
package web
