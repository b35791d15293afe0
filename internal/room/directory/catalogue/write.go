package catalogue

import (
	"strings"
	"time"

	"entrechat/internal/room/directory/statool"
)

// Document is a file that says what the listing says, and no more: HosterOf reads the
// same listing from it. Fields that the collective's format demands and no listing carries
// are for people to fill in.
func (h Hoster) Document(generator string) (*statool.Document, error) {
	o := statool.Organization{
		Head: headOf("Organization", generator, h.File, h.Author), Name: h.Name, Description: h.About, Website: h.Website,
		Country: country(h.Country), Contact: contact(h.Contact),
		Status: statool.Status{Level: stateWord(h.State), Description: h.Note},
	}
	if h.Ends != 0 {
		o.EndDate = h.Ends.Time().UTC().Format(time.DateOnly)
	}
	doc := &statool.Document{}
	if err := statool.Put(doc, o); err != nil {
		return nil, err
	}
	return doc, setExtras(doc, [][2]string{{"town", h.Town}, {"languages", strings.Join(h.Languages, ";")}})
}

// Document is the same for a service.
func (s Service) Document(generator, address string) (*statool.Document, error) {
	registration, load, _ := s.Access.Statool() // what is lost there stands in our own keys
	file := statool.Service{
		Head: headOf("Service", generator, address, s.Author), Name: s.Name, Description: s.About, Website: s.Website,
		Status: statool.Status{Level: strings.ToUpper(string(s.Level))}, Load: load,
		Software: statool.Software{Name: s.Software, Version: s.Version},
		Host:     statool.Host{Country: country(s.Country)},
	}
	if registration != "" {
		file.Registration = []string{registration}
	}
	doc := &statool.Document{}
	if err := statool.Put(doc, file); err != nil {
		return nil, err
	}
	return doc, setExtras(doc, [][2]string{
		{"kind", string(s.Kind)},
		{"languages", strings.Join(s.Languages, ";")},
		{"town", s.Town},
		{"price", s.Price},
		{"limits", s.Limits},
		{"without", string(s.Access.Without)},
		{"register", string(s.Access.Register)},
	})
}

func headOf(class, generator, address string, a Author) statool.Head {
	return statool.Head{
		Class: class, Protocol: "ChatonsInfos-0.5", Generator: generator, URL: address,
		DateTime: a.Said.Time().UTC().Format("2006-01-02T15:04:05"),
	}
}

func country(code string) statool.Country { return statool.Country{Name: code, Code: code} }

func contact(address string) statool.Contact {
	if strings.Contains(address, "@") && !strings.Contains(address, "/") {
		return statool.Contact{Email: address}
	}
	return statool.Contact{URL: address}
}

func stateWord(s State) string {
	switch s {
	case StateActive:
		return "ACTIVE"
	case StateIdle:
		return "IDLE"
	case StateAway:
		return "AWAY"
	case StateUnknown, StateClosing: // closing is said by the date
	}
	return ""
}

func setExtras(doc *statool.Document, pairs [][2]string) error {
	for _, pair := range pairs {
		if pair[1] == "" {
			continue
		}
		if err := doc.Set("entrechat."+pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}
