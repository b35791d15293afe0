package statool

// The views. Every text is canonical: dates are YYYY-MM-DD, choices are spelled
// as the list has them, addresses are http or https, texts have no control
// character but line breaks. Empty means that the file does not say, or says
// what nobody can read. All text is still a stranger's: escape it where it is
// shown.

// Head is the file section.
type Head struct {
	Class     string `statool:"class"`     // Federation, Organization, Service, Metrics
	Protocol  string `statool:"protocol"`  // "ChatonsInfos-0.5"
	DateTime  string `statool:"datetime"`  // 2020-07-06T14:23:20, in no known zone
	Generator string `statool:"generator"` // the program, or "by hand"
	URL       string `statool:"url"`       // where the file is published
}

// Contact is how to reach people.
type Contact struct {
	URL   string `statool:"url"`
	Email string `statool:"email"`
}

// Guide are the two handbooks, as addresses.
type Guide struct {
	Technical string `statool:"technical"`
	User      string `statool:"user"`
}

// Status is a level, whose values depend on the section, and a sentence.
type Status struct {
	Level       string `statool:"level"`
	Description string `statool:"description"`
}

// Country is a country by name and by ISO 3166-1 alpha-2 code.
type Country struct {
	Name string `statool:"name"`
	Code string `statool:"code"`
}

// Federation is a collective.
type Federation struct {
	Head        Head              `statool:"file"`
	Name        string            `statool:"federation.name"`
	Description string            `statool:"federation.description"`
	Website     string            `statool:"federation.website"`
	Logo        string            `statool:"federation.logo"`
	Favicon     string            `statool:"federation.favicon"`
	Contact     Contact           `statool:"federation.contact"`
	Legal       string            `statool:"federation.legal.url"`
	Guide       Guide             `statool:"federation.guide"`
	StartDate   string            `statool:"federation.startdate"`
	EndDate     string            `statool:"federation.enddate"`
	Social      map[string]string `statool:"federation.socialnetworks"`
	Chatrooms   map[string]string `statool:"federation.chatrooms"`
	Subs        map[string]string `statool:"subs"` // name -> address of an organization's file
}

// Organization is a hoster.
type Organization struct {
	Head        Head                  `statool:"file"`
	Name        string                `statool:"organization.name"`
	Description string                `statool:"organization.description"`
	Type        string                `statool:"organization.type"`
	Website     string                `statool:"organization.website"`
	Logo        string                `statool:"organization.logo"`
	Contact     Contact               `statool:"organization.contact"`
	Legal       string                `statool:"organization.legal.url"`
	Guide       Guide                 `statool:"organization.guide"`
	StartDate   string                `statool:"organization.startdate"`
	EndDate     string                `statool:"organization.enddate"`
	Status      Status                `statool:"organization.status"` // ACTIVE, IDLE, AWAY
	Owner       Owner                 `statool:"organization.owner"`
	Country     Country               `statool:"organization.country"`
	Place       Place                 `statool:"organization.geolocation"`
	MemberOf    map[string]Membership `statool:"organization.memberof"` // by federation
	Social      map[string]string     `statool:"organization.socialnetworks"`
	Chatrooms   map[string]string     `statool:"organization.chatrooms"` // any scheme: never put one in a link unchecked
	Funding     map[string]string     `statool:"organization.funding"`
	Subs        map[string]string     `statool:"subs"` // name -> address of a service's file
}

// Owner is the body that a hoster belongs to.
type Owner struct {
	Name    string `statool:"name"`
	Website string `statool:"website"`
	Logo    string `statool:"logo"`
}

// Place is where a hoster is: decimal degrees with a dot, and words.
type Place struct {
	Latitude  string `statool:"latitude"`
	Longitude string `statool:"longitude"`
	Address   string `statool:"address"`
}

// Membership is a hoster's standing in a federation, in its own words.
type Membership struct {
	StartDate string `statool:"startdate"`
	EndDate   string `statool:"enddate"`
	Status    Status `statool:"status"` // ACTIVE, IDLE, AWAY
}

// Service is one service of a hoster, with its program and its machine.
type Service struct {
	Head         Head              `statool:"file"`
	Name         string            `statool:"service.name"`
	Description  string            `statool:"service.description"`
	Website      string            `statool:"service.website"`
	Logo         string            `statool:"service.logo"`
	Legal        string            `statool:"service.legal.url"`
	Guide        Guide             `statool:"service.guide"`
	Contact      Contact           `statool:"service.contact"`
	StartDate    string            `statool:"service.startdate"`
	EndDate      string            `statool:"service.enddate"`
	Status       Status            `statool:"service.status"`            // OK, WARNING, ALERT, ERROR, OVER, VOID
	Registration []string          `statool:"service.registration"`      // None, Free, Member, Client; see package access
	Load         string            `statool:"service.registration.load"` // OPEN, FULL
	Install      string            `statool:"service.install.type"`
	Software     Software          `statool:"software"`
	Host         Host              `statool:"host"`
	Subs         map[string]string `statool:"subs"` // name -> address of a metrics file
}

// Software is the program behind a service.
type Software struct {
	Name       string   `statool:"name"`
	Website    string   `statool:"website"`
	LicenseURL string   `statool:"license.url"`
	License    string   `statool:"license.name"` // SPDX where people follow the advice
	Version    string   `statool:"version"`
	Source     string   `statool:"source.url"`
	Modules    []string `statool:"modules"`
}

// Host is the machine behind a service, and who holds it.
type Host struct {
	Name         string  `statool:"name"`
	Description  string  `statool:"description"`
	Distribution string  `statool:"server.distribution"`
	Server       string  `statool:"server.type"`   // NANO, PHYSICAL, VIRTUAL, SHARED, CLOUD
	Provider     string  `statool:"provider.type"` // HOME, HOSTEDBAY, HOSTEDSERVER, OUTSOURCED
	Hypervisor   string  `statool:"provider.hypervisor"`
	Country      Country `statool:"country"`
}

// View is any of the three.
type View interface {
	Federation | Organization | Service
}

// classOf is the class that a view belongs to.
func classOf[V View]() Class {
	var v V
	switch any(v).(type) {
	case Federation:
		return ClassFederation
	case Organization:
		return ClassOrganization
	}
	return ClassService
}

// Read derives a view from a document. Fields of other classes are left out.
func Read[V View](d *Document) V {
	fields := append(Fields(classOf[V]()), Field{Path: "subs.*", Type: TypeURL})
	meaning := map[string]string{}
	for _, key := range d.Keys() {
		now := modern(key)
		f, ok := fieldOf(fields, now)
		if !ok || d.find(now) != d.index[key] {
			continue
		}
		if text := f.read(d.lines[d.index[key]].value).text; text != "" {
			meaning[now] = text
		}
	}
	var v V
	fill(&v, meaning)
	return v
}

// Put writes into the document what the view says otherwise than the document:
// an unchanged view changes no byte, an emptied field removes its line. Values
// are checked strictly. Returns CodeInvalid, naming the field; the document may
// then hold a part of the changes.
func Put[V View](d *Document, v V) error {
	fields := append(Fields(classOf[V]()), Field{Path: "subs.*", Type: TypeURL})
	before := map[string]string{}
	for _, p := range flatten(Read[V](d)) {
		before[p.path] = p.text
	}
	for _, p := range flatten(v) {
		old := before[p.path]
		delete(before, p.path)
		if p.text == old {
			continue
		}
		if err := strict(fields, p); err != nil {
			return err
		}
		if err := d.Set(p.path, p.text); err != nil {
			return err
		}
	}
	for path := range before {
		d.Delete(path)
	}
	return nil
}
