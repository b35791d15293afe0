package web

import (
	"io/fs"
	"strings"
)

// Script is a program for browsers, for what they offer to scripts only. It is a file of
// ours, and runs on the pages that name it and nowhere else.
type Script struct{ asset }

// NewScript reads a script. It panics when there is none, like template.Must. It is called
// before Handler.
func NewScript(s *Site, fsys fs.FS, file string) *Script {
	script := &Script{newAsset(fsys, file, "text/javascript; charset=utf-8")}
	for _, one := range s.scripts {
		if one.path == script.path {
			return one // two rooms, or folders of one, name the same
		}
	}
	s.scripts = append(s.scripts, script)
	return script
}

// policy is that of a page with the script: its one address is allowed, and nothing else
// changes. What slipped through as HTML still cannot run.
func (s *Script) policy(site *Site) string {
	return policy + "; script-src " + strings.TrimSuffix(site.URL, "/") + s.path
}

// Run has the page run one script. It is called once, when the page is made.
func (p *Page[T]) Run(s *Script) *Page[T] {
	p.script = s
	return p
}
