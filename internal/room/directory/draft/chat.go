package draft

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"strings"
)

// matrix follows the two well-known documents to the server, and asks it for the
// versions of the client interface and for its own name.
func matrix(ctx context.Context, v *visit) {
	var client struct {
		Home struct {
			URL string `json:"base_url"`
		} `json:"m.homeserver"`
	}
	home := v.base
	if s, ok := v.object(ctx, v.base+"/.well-known/matrix/client", &client); ok {
		if address := absolute(v.base+"/", client.Home.URL); address != "" {
			home = strings.TrimSuffix(address, "/")
		} else {
			v.saw(s.address, NotUnderstood)
		}
	}
	var versions struct{ Versions []string }
	s, ok := v.object(ctx, home+"/_matrix/client/versions", &versions)
	if !ok {
		return
	}
	if len(versions.Versions) == 0 {
		v.saw(s.address, NotUnderstood)
		return
	}
	s.note(FieldInterface, "Matrix", versions.Versions[len(versions.Versions)-1])
	s.link(FieldWebsite, home+"/", "")
	v.tell(kindMatrix, rankOwn, s)

	matrixServer(ctx, v)
	matrixSupport(ctx, v)
}

// matrixServer asks the address that other servers use for the program's name.
func matrixServer(ctx context.Context, v *visit) {
	var server struct {
		At string `json:"m.server"`
	}
	address := v.base
	if _, ok := v.object(ctx, v.base+"/.well-known/matrix/server", &server); ok && server.At != "" {
		scheme, _, _ := strings.Cut(v.base, "//")
		if address = strings.TrimSuffix(absolute(v.base+"/", scheme+"//"+server.At), "/"); address == "" {
			return
		}
	}
	var version struct {
		Server struct{ Name, Version string }
	}
	if s, ok := v.object(ctx, address+"/_matrix/federation/v1/version", &version); ok {
		s.say(FieldProgram, strings.ToLower(version.Server.Name))
		s.say(FieldVersion, version.Server.Version)
		v.tell(kindMatrix, rankOwn, s)
	}
}

// matrixSupport reads where to write to; Matrix ids of persons are left alone.
func matrixSupport(ctx context.Context, v *visit) {
	var support struct {
		Page     string `json:"support_page"`
		Contacts []struct {
			Email string `json:"email_address"`
			Role  string `json:"role"`
		}
	}
	if s, ok := v.object(ctx, v.base+"/.well-known/matrix/support", &support); ok {
		s.link(FieldContact, support.Page, "")
		for i, c := range support.Contacts {
			if i < 10 {
				s.note(FieldEmail, c.Email, c.Role)
			}
		}
		v.tell(kindMatrix, rankGeneral, s)
	}
}

// xmpp looks for the alternative ways into an XMPP server (XEP-0156). Its usual
// ways are in the DNS, which a draft does not ask.
func xmpp(ctx context.Context, v *visit) {
	type link struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	var links []link
	data, s, ok := v.get(ctx, v.base+"/.well-known/host-meta")
	if ok {
		var document struct {
			Links []link `xml:"Link"`
		}
		if err := xml.Unmarshal(data, &document); err != nil {
			v.saw(s.address, NotUnderstood)
		}
		links = document.Links
	} else {
		var document struct{ Links []link }
		if data, s, ok = v.get(ctx, v.base+"/.well-known/host-meta.json"); !ok {
			return
		}
		if json.Unmarshal(data, &document) != nil {
			v.saw(s.address, NotUnderstood)
		}
		links = document.Links
	}
	for _, l := range links {
		if kind, found := strings.CutPrefix(l.Rel, "urn:xmpp:alt-connections:"); found {
			s.note(FieldInterface, "XMPP", kind+" "+l.Href)
		}
	}
	if len(s.facts) > 0 {
		v.tell(kindXMPP, rankOwn, s)
	}
}
