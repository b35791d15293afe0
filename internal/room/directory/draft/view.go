package draft

import (
	"entrechat/internal/core"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/statool"
)

// Access is what the facts say about who may come in. An open form says that
// anyone may register, not that there is room; a closed one does not say for
// whom, and nothing says what works without an account.
func (s Service) Access() access.Access {
	if len(s.Facts.All(FieldSignUp)) > 1 {
		return access.Access{} // sources contradict each other: a person decides
	}
	switch s.Facts.First(FieldSignUp) {
	case SignUpOpen:
		return access.Access{Register: access.RegisterAnyone}
	case SignUpRequest:
		return access.Access{Register: access.RegisterOnRequest}
	}
	return access.Access{}
}

// View is the beginning of the service's file: facts only, the rest empty.
func (s Service) View(generator string, now core.Moment) statool.Service {
	registration, load, _ := s.Access().Statool()
	view := statool.Service{
		Head:        head("Service", generator, now),
		Name:        s.Facts.First(FieldName),
		Description: s.Facts.First(FieldDescription),
		Website:     s.Facts.First(FieldWebsite),
		Legal:       s.Facts.First(FieldTerms),
		Contact:     statool.Contact{URL: s.Facts.First(FieldContact), Email: s.Facts.email()},
		Load:        load,
		Software: statool.Software{
			Name:    s.Facts.First(FieldProgram),
			Version: s.Facts.First(FieldVersion),
			Website: s.Facts.First(FieldHomepage),
			Source:  s.Facts.First(FieldSource),
		},
	}
	if registration != "" {
		view.Registration = []string{registration}
	}
	return view
}

// View is the beginning of the hoster's file. A page's title is not its name.
func (d Draft) View(generator string, now core.Moment) statool.Organization {
	view := statool.Organization{
		Head:    head("Organization", generator, now),
		Contact: statool.Contact{URL: d.Hoster.First(FieldContact), Email: d.Hoster.email()},
		Legal:   d.Hoster.First(FieldLegal),
	}
	for _, l := range d.Looks {
		if l.Outcome == Read && (l.URL == "https://"+string(d.Domain)+"/" || l.URL == "http://"+string(d.Domain)+"/") {
			view.Website = l.URL
		}
	}
	return view
}

// email is the first address that a file may hold.
func (f Facts) email() string {
	for _, address := range f.All(FieldEmail) {
		if statool.Fits(statool.TypeEmail, address) {
			return address
		}
	}
	return ""
}

func head(class, generator string, now core.Moment) statool.Head {
	return statool.Head{
		Class: class, Protocol: "ChatonsInfos-0.5", Generator: generator,
		DateTime: now.Time().Format("2006-01-02T15:04:05"),
	}
}

// Gaps are the findings of the validator on a view that is not finished: what is
// missing, and what the facts have that a file may not.
func Gaps[V statool.View](view V) (statool.Report, error) {
	d := &statool.Document{}
	if err := statool.Put(d, view); err != nil {
		return statool.Report{}, err
	}
	return statool.Validate(d), nil
}
