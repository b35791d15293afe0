package forms

import (
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

// question is one field of the form about a service, and the key of the file that
// it writes.
type question struct {
	name    string // also of its words: directory.form.<name>
	key     string
	rows    int
	kind    string   // of <input>
	values  []string // of a select; "" is offered first
	says    string   // words of a value: says + value in lower case
	needed  bool
	hinted  bool
	initial string // of a new service
}

// part is one section of the form.
type part struct {
	name      string // also of its words: directory.form.part_<name>
	folded    bool   // shown when somebody opens it; holds nothing that is needed
	questions []question
}

// parts are what the form asks, in order: what visitors ask first, how it stands, and
// behind that what may wait. What a file says beside it stays.
func parts() []part {
	choices := func(key string) []string {
		for _, f := range statool.Fields(statool.ClassService) {
			if f.Path == key {
				return f.Values
			}
		}
		return nil
	}
	return []part{
		{name: "first", questions: []question{
			{name: "name", key: "service.name", needed: true},
			{name: "kind", key: "entrechat.kind", values: own.Values("entrechat.kind"), says: "directory.kind."},
			{name: "about", key: "service.description", rows: 3},
			{name: "website", key: "service.website", kind: "url", hinted: true},
			{name: "without", key: "entrechat.without", values: own.Values("entrechat.without"), says: "directory.access.without.", needed: true},
			{name: "register", key: "entrechat.register", values: own.Values("entrechat.register"), says: "directory.access.register."},
		}},
		{name: "today", questions: []question{
			{name: "load", key: "service.registration.load", values: []string{"OPEN", "FULL"}, says: "directory.access.load.", needed: true, initial: "OPEN"},
			{name: "level", key: "service.status.level", values: []string{"OK", "WARNING", "ALERT", "ERROR", "OVER"}, says: "directory.level.", needed: true, initial: "OK"},
			{name: "start", key: "service.startdate", kind: "date", needed: true, hinted: true},
			{name: "note", key: "service.status.description"},
			{name: "end", key: "service.enddate", kind: "date", hinted: true},
		}},
		{name: "users", folded: true, questions: []question{
			{name: "price", key: "entrechat.price", hinted: true},
			{name: "limits", key: "entrechat.limits", hinted: true},
			{name: "languages", key: "entrechat.languages", hinted: true},
			{name: "guide", key: "service.guide.user", kind: "url"},
			{name: "legal", key: "service.legal.url", kind: "url"},
			{name: "contact_url", key: "service.contact.url", kind: "url"},
			{name: "contact", key: "service.contact.email", kind: "email", hinted: true},
		}},
		{name: "program", folded: true, questions: []question{
			{name: "software", key: "software.name"},
			{name: "version", key: "software.version"},
			{name: "homepage", key: "software.website", kind: "url"},
			{name: "source", key: "software.source.url", kind: "url"},
			{name: "license", key: "software.license.name", hinted: true},
			{name: "license_url", key: "software.license.url", kind: "url"},
			{name: "install", key: "service.install.type", values: choices("service.install.type"), says: "directory.install."},
		}},
		{name: "machine", folded: true, questions: []question{
			{name: "town", key: "entrechat.town", hinted: true},
			{name: "host", key: "host.name", hinted: true},
			{name: "server", key: "host.server.type", values: choices("host.server.type"), says: "directory.server."},
			{name: "provider", key: "host.provider.type", values: choices("host.provider.type"), says: "directory.provider."},
		}},
	}
}

// questions are those of all parts.
func questions() (all []question) {
	for _, p := range parts() {
		all = append(all, p.questions...)
	}
	return all
}
