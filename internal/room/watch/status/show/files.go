package show

import (
	"net/http"

	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/static"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/status"
)

// What stands beside a hoster's page, for programs.
const (
	feedFile     = "feed.atom"
	calendarFile = "maintenance.ics"
	jsonFile     = "status.json"
	signedFile   = "signed.json"
	badgeFile    = "badge.svg"

	calendarType = "text/calendar; charset=utf-8"
	jsonType     = "application/json"
	svgType      = "image/svg+xml"
)

// files are the routes for programs; any site may read them.
// spec: docs/spec/watch.md#status
func (s *Show) files(site *web.Site) []web.Route {
	// write makes the file in a language; "" where it has none.
	route := func(pattern, kind string, write func(r *http.Request, p *status.Posted, t teller) ([]byte, error)) web.Route {
		return web.Route{Pattern: "GET " + pattern, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			site.Answer(w, r, kind, halfAMinute, func(p *words.Printer) ([]byte, error) {
				posted, t, err := s.telling(r, p)
				if err != nil {
					return nil, err
				}
				return s.file(r, posted, t, write)
			})
		})}
	}
	text := func(write func(s *Show, t teller) ([]byte, error)) func(*http.Request, *status.Posted, teller) ([]byte, error) {
		return func(_ *http.Request, _ *status.Posted, t teller) ([]byte, error) { return write(s, t) }
	}
	one := Path + "/{hoster}/"
	return []web.Route{
		route(Path+"/"+feedFile, atom.Type, text((*Show).feed)),
		route(one+feedFile, atom.Type, text((*Show).feed)),
		route(one+calendarFile, calendarType, text((*Show).calendar)),
		route(one+badgeFile, svgType, hosterBadge),
		route(one+"services/{service}/"+badgeFile, svgType, serviceBadge),
		route(one+jsonFile, jsonType, func(_ *http.Request, p *status.Posted, _ teller) ([]byte, error) { return p.JSON, nil }),
		route(one+signedFile, jsonType, func(_ *http.Request, p *status.Posted, _ teller) ([]byte, error) { return p.Signed, nil }),
	}
}

// file answers what write made once for this snapshot, address and language.
func (s *Show) file(r *http.Request, posted *status.Posted, t teller, write func(*http.Request, *status.Posted, teller) ([]byte, error)) ([]byte, error) {
	key := t.Lang + r.URL.Path
	if k, ok := posted.Kept.Load(key); ok {
		if data, ok := k.([]byte); ok {
			return data, nil
		}
	}
	data, err := write(r, posted, t)
	if err == nil {
		posted.Kept.Store(key, data)
	}
	return data, err
}

// halfAMinute is how long anybody may keep a file.
const halfAMinute = "public, max-age=30"

// send answers without a language.
func send(w http.ResponseWriter, r *http.Request, kind string, data []byte) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	static.Serve(w, r, kind, halfAMinute, data)
}
