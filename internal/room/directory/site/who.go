package site

import (
	"net/http"
	"strings"

	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
)

// whoPanel is the part of the home page about us.
type whoPanel struct {
	About    string
	Place    string // town level, whatever the file says
	State    string
	Note     string
	Severity string
	Legal    string // address
	Data     linked
}

func (r *Site) who(req *http.Request, p *words.Printer) (panel whoPanel, ok bool, err error) {
	o, known, err := r.n.Own.Hoster()
	if err != nil || !known {
		return panel, false, err
	}
	h, _, err := r.n.Own.Listings(req.Context())
	if err != nil {
		return panel, false, err
	}
	listing := hosterListingOf(p, h, nil, r.now())
	place := strings.Trim(h.Town+", "+o.Country.Name, ", ")
	panel = whoPanel{About: o.Description, Place: place, Note: h.Note, Legal: o.Legal, Data: organizationLD(o, r.n.URL, h.Town)}
	if h.State != catalogue.StateActive {
		panel.State, panel.Severity = listing.State, listing.Severity
	}
	return panel, true, nil
}
