package chat

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/room/watch/look"
)

const head = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='x' from='chaton-a.test' version='1.0'>`

func TestFeatures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		class look.Class
		first string
	}{
		head + `<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>`:                       {look.Fine, startTLS},
		head + `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>`: {look.Fine, mechanisms},
		head + " \n" + `<stream:features/>`:                                                               {look.Fine, ""},
		head + `<stream:features><starttls xmlns='urn:x'/></stream:features>`:                             {look.Fine, "urn:x starttls"},
		head + `<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`: {look.Content, ""},
		head + `<message/>`:        {look.Content, ""},
		head + `</stream:stream>`:  {look.Content, ""},
		head + `<stream:features>`: {"cut", ""},
		`<html>`:                   {look.Content, ""},
		`<html><p/></html>`:        {look.Content, ""},
		`HTTP/1.1 400 Bad Request`: {"cut", ""},
		`<!DOCTYPE x [<!ENTITY a "b">]><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>`: {look.Content, ""},
		head + `<stream:features>` + strings.Repeat("<a>", maxDepth+1):                                  {look.Content, ""},
		head + `<stream:features>` + strings.Repeat("<a/>", maxElements):                                {look.Content, ""},
		head + `<stream:features>&boom;</stream:features>`:                                              {look.Content, ""},
		head + "\xff": {look.Content, ""},
		"":            {"cut", ""},
	} {
		got, err := features(xml.NewDecoder(strings.NewReader(text)))
		class := look.Fine
		if own, ok := errors.AsType[*look.ClassError](err); ok {
			class = own.Class
		} else if err != nil {
			class = "cut"
		}
		if class != want.class || want.first != "" && !slices.Contains(got, want.first) {
			t.Errorf("%.200q: %v %v", text, got, err)
		}
	}
}

func FuzzFeatures(f *testing.F) {
	f.Add([]byte(head + `<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>`))
	f.Add([]byte(head + `<stream:error><host-unknown/></stream:error>`))
	f.Add([]byte(`<a:b xmlns:a="` + strings.Repeat("x", 100) + `">`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := features(xml.NewDecoder(io.LimitReader(strings.NewReader(string(text)), look.MaxRead)))
		if err == nil && len(got) > maxElements {
			t.Errorf("%d features", len(got))
		}
	})
}
