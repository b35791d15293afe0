package ability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

const (
	iana       = "https://data.iana.org/rdap/dns.json"
	maxAnswer  = 1 << 20
	rdapPeriod = 15 * time.Second
)

// Registration is what the registry tells of a domain.
type Registration struct {
	Changed string // when it was changed last, as the registry writes it
	Status  []string
	Expires core.Moment // 0 = it does not say
	// Registrar is its name; empty = it does not say. Holder is what holds the domain: "organisation",
	// "person", empty = it does not say. Who that is, is not kept.
	Registrar, Holder string
}

// state is what moves when somebody changes something at the registrar.
func (r Registration) state() string {
	status := slices.Clone(r.Status)
	slices.Sort(status)
	return r.Changed + " " + strings.Join(status, ",")
}

// Domain asks the registry of a domain's ending (RFC 9083, found by RFC 9224).
func (n Network) Domain(ctx context.Context, name string) (Registration, error) {
	unsure := func(err error) (Registration, error) {
		return Registration{}, core.Unsure("custody.ability.rdap_silent", err).With("Domain", name)
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return unsure(err)
	}
	ctx, cancel := context.WithTimeout(ctx, rdapPeriod)
	defer cancel()
	list := n.Registry
	if list == "" {
		list = iana
	}
	text, err := n.get(ctx, list)
	if err != nil {
		return unsure(err)
	}
	base, err := readServer(text, registered)
	if err != nil {
		return unsure(err)
	}
	address, err := url.JoinPath(base, "domain", registered)
	if err != nil {
		return unsure(err)
	}
	if text, err = n.get(ctx, address); err != nil {
		return unsure(err)
	}
	r, err := readRegistration(text)
	if err != nil {
		return unsure(err)
	}
	return r, nil
}

// readServer reads the list of registries (RFC 9224): the address of the one for a domain.
func readServer(text []byte, name string) (string, error) {
	var known struct {
		Services [][][]string `json:"services"`
	}
	if err := wire.Peek(text, &known); err != nil {
		return "", err
	}
	if base := server(known.Services, name); base != "" {
		return base, nil
	}
	return "", errors.New("the registry of this ending has no such service")
}

// readRegistration reads what a registry tells of a domain (RFC 9083).
func readRegistration(text []byte) (r Registration, err error) {
	var told struct {
		Status []string `json:"status"`
		Events []struct {
			Action string `json:"eventAction"`
			Date   string `json:"eventDate"`
		} `json:"events"`
		Entities []entity `json:"entities"`
	}
	if err := wire.Peek(text, &told); err != nil {
		return r, err
	}
	for _, s := range told.Status[:min(len(told.Status), 20)] {
		r.Status = append(r.Status, short(s))
	}
	for _, e := range told.Events {
		switch e.Action {
		case "last changed":
			r.Changed = short(e.Date)
		case "expiration":
			if at, err := time.Parse(time.RFC3339, e.Date); err == nil {
				r.Expires = max(core.At(at), 0)
			}
		}
	}
	for _, e := range told.Entities {
		switch {
		case slices.Contains(e.Roles, "registrar") && r.Registrar == "":
			r.Registrar = short(e.card("fn"))
		case slices.Contains(e.Roles, "registrant") && r.Holder == "":
			r.Holder = e.holder()
		}
	}
	return r, nil
}

// entity is somebody who has to do with a domain.
type entity struct {
	Roles []string `json:"roles"`
	Card  any      `json:"vcardArray"` // RFC 7095: ["vcard", [[name, {}, type, value], ...]]
}

// card is a text of the card; empty where it has none, or where it was blacked out.
func (e entity) card(name string) string {
	outer, _ := e.Card.([]any)
	if len(outer) != 2 {
		return ""
	}
	lines, _ := outer[1].([]any)
	for _, l := range lines {
		line, _ := l.([]any)
		if len(line) < 4 || line[0] != name {
			continue
		}
		if text, ok := line[3].(string); ok && !strings.Contains(strings.ToLower(text), "redacted") {
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// holder is what kind of holder the card is of.
func (e entity) holder() string {
	switch kind := e.card("kind"); {
	case kind == "org" || e.card("org") != "":
		return "organisation"
	case kind == "individual" && e.card("fn") != "":
		return "person"
	}
	return ""
}

func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), 64)], "") }

// server finds the address for a domain: of the longest ending that is listed, by https where
// there is one.
func server(services [][][]string, name string) string {
	for ending := name; ending != ""; {
		for _, s := range services {
			if len(s) != 2 || !slices.ContainsFunc(s[0], func(e string) bool { return strings.EqualFold(e, ending) }) {
				continue
			}
			for _, scheme := range []string{"https://", "http://"} {
				for _, u := range s[1] {
					if strings.HasPrefix(u, scheme) {
						return u
					}
				}
			}
		}
		_, ending, _ = strings.Cut(ending, ".")
	}
	return ""
}

// get reads one answer, of at most a megabyte. A redirect stays below the guard, and is followed three times.
func (n Network) get(ctx context.Context, address string) ([]byte, error) {
	client := http.Client{
		Transport: &http.Transport{
			DialContext:       (&net.Dialer{Timeout: dnsTimeout, Control: n.control()}).DialContext,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // each dial is guarded
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/rdap+json, application/json")
	a, err := client.Do(r) //nolint:gosec // each dial is guarded
	if err != nil {
		return nil, err
	}
	defer a.Body.Close() //nolint:errcheck // only read
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", r.URL.Host, a.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, errors.New("the answer is too long")
	}
	return text, nil
}
