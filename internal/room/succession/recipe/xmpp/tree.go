package xmpp

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// element is one XML element with everything in it, in order.
type element struct {
	name  xml.Name
	attrs []xml.Attr // without declarations of namespaces
	kids  []kid
}

// kid is a text or an element.
type kid struct {
	text string
	elem *element
}

// maxDepth is how deep elements may lie in one another.
const maxDepth = 64

var errXML = errors.New("no XEP-0227 file")

// parse reads one document. Directives, comments and instructions are passed over, entities of
// a document are refused by the decoder.
func parse(r io.Reader) (*element, error) {
	d := xml.NewDecoder(r)
	var open []*element
	for {
		t, err := d.Token()
		if err != nil {
			return nil, errors.Join(errXML, err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == maxDepth {
				return nil, errXML
			}
			e := &element{name: t.Name, attrs: slices.DeleteFunc(t.Copy().Attr, declares)}
			if len(open) > 0 {
				in := open[len(open)-1]
				in.kids = append(in.kids, kid{elem: e})
			}
			open = append(open, e)
		case xml.EndElement:
			last := open[len(open)-1]
			if open = open[:len(open)-1]; len(open) == 0 {
				return last, nil
			}
		case xml.CharData:
			if len(open) > 0 {
				in := open[len(open)-1]
				in.kids = append(in.kids, kid{text: string(t)})
			}
		}
	}
}

func declares(a xml.Attr) bool { return a.Name.Space == "xmlns" || a.Name.Local == "xmlns" }

const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// write appends the element; space is the default namespace around it.
func (e *element) write(b *strings.Builder, space string) {
	b.WriteString("<" + e.name.Local)
	if e.name.Space != space {
		attribute(b, "xmlns", e.name.Space)
	}
	prefixes := 0
	for _, a := range e.attrs {
		switch a.Name.Space {
		case "":
			attribute(b, a.Name.Local, a.Value)
		case "xml", xmlSpace:
			attribute(b, "xml:"+a.Name.Local, a.Value)
		default:
			prefixes++
			prefix := "a" + strings.Repeat("a", prefixes)
			attribute(b, "xmlns:"+prefix, a.Name.Space)
			attribute(b, prefix+":"+a.Name.Local, a.Value)
		}
	}
	b.WriteString(">")
	for _, k := range e.kids {
		if k.elem == nil {
			_ = xml.EscapeText(b, []byte(k.text)) // a builder takes everything
			continue
		}
		k.elem.write(b, e.name.Space)
	}
	b.WriteString("</" + e.name.Local + ">")
}

func attribute(b *strings.Builder, name, value string) {
	b.WriteString(" " + name + `="`)
	_ = xml.EscapeText(b, []byte(value)) // a builder takes everything
	b.WriteString(`"`)
}

// String is the element as a document of its own.
func (e *element) String() string {
	var b strings.Builder
	e.write(&b, "")
	return b.String()
}

// children are the elements right below, of a name; of all names for "".
func (e *element) children(local string) (out []*element) {
	for _, k := range e.kids {
		if k.elem != nil && (local == "" || k.elem.name.Local == local) {
			out = append(out, k.elem)
		}
	}
	return out
}

// attr is an attribute without a namespace; empty where there is none.
func (e *element) attr(local string) string {
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// text is the text right below.
func (e *element) text() string {
	var b strings.Builder
	for _, k := range e.kids {
		b.WriteString(k.text)
	}
	return b.String()
}

func (e *element) setText(text string) { e.kids = []kid{{text: text}} }

type xmlAttr = xml.Attr

func xmlName(local string) xml.Name  { return xml.Name{Space: spacePIE, Local: local} }
func xmlLocal(local string) xml.Name { return xml.Name{Local: local} }
