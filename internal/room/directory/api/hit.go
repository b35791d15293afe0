package api

import (
	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
)

// Hit is one service, as programs and `directory search --json` get it.
type Hit struct {
	catalogue.Service
	Hoster string           `json:"hoster"` // key
	From   string           `json:"from"`   // the hoster's name
	Source catalogue.Source `json:"source"`
	Said   core.Moment      `json:"said_us"`  // 0 = not known
	Heard  core.Moment      `json:"heard_us"` // from the author, or a mirror
}

// HitOf leaves out how a service does when that was said too long ago, as pages do.
func HitOf(s catalogue.Service, h catalogue.Hoster, now core.Moment) Hit {
	s.Level = s.LevelAt(now)
	return Hit{s, h.Author.Key, h.Name, s.Author.Source, s.Author.Said, s.Author.Heard}
}

// Hoster is one hoster, as programs and `directory hosters --json` get it.
type Hoster struct {
	catalogue.Hoster
	Key      string           `json:"key"`
	Source   catalogue.Source `json:"source"`
	Said     core.Moment      `json:"said_us"`
	Heard    core.Moment      `json:"heard_us"`
	Services []Hit            `json:"services,omitempty"`
}

// HosterOf leaves its services out.
func HosterOf(h catalogue.Hoster) Hoster {
	return Hoster{Hoster: h, Key: h.Author.Key, Source: h.Author.Source, Said: h.Author.Said, Heard: h.Author.Heard}
}
