package pact

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/grant"
)

//go:embed pages
var pages embed.FS

// Convention is a pact as people read, print and sign it off: the fixed words of
// its terms around the facts both signed. It says what article 28(3) of the GDPR
// asks of a contract with a processor.
//
// spec: docs/spec/pact.md#convention
type Convention struct {
	Lang     string
	Title    string
	Lead     string
	Facts    []Fact
	Articles []Article
	Note     string
}

// Fact is a labelled line.
type Fact struct{ Label, Text string }

// Article is one numbered part.
type Article struct {
	Number int
	Title  string
	Blocks []Block
}

// Block is a paragraph and what belongs right below it: a list, labelled lines,
// or words a party wrote itself. Those are only ever quoted, so they cannot pass
// for an article.
type Block struct {
	Text  string
	Items []string
	Facts []Fact
	Quote string
}

// draft builds a convention.
type draft struct {
	p      *words.Printer
	types  grant.Types
	record Record
	out    Convention
}

// NewConvention writes a pact out in the printer's language; now decides which
// state it shows.
func NewConvention(p *words.Printer, types grant.Types, h Record, signed seal.Envelope, now core.Moment) Convention {
	d := draft{p: p, types: types, record: h}
	a, b := d.name(h.Pact.Proposer.Member), d.name(h.Pact.Accepter.Member)
	d.out = Convention{
		Lang:  p.Lang,
		Title: d.say("title", map[string]any{"A": a, "B": b}),
		Lead:  d.say("lead", nil),
		Facts: d.facts(now),
		Note:  d.say("note", nil),
	}
	d.article("parties", d.parties()...)
	d.article("purpose", append(d.prose("purpose"), quote(h.Pact.Purpose)...)...)
	d.article("grants", d.promises(h.Pact.Proposer, b), d.promises(h.Pact.Accepter, a))
	d.article("data", Block{Items: d.dataKinds()})
	d.article("place", append(d.places(), d.prose("place_text")...)...)
	d.article("duration", d.duration())
	for _, name := range []string{"instructions", "secrecy", "security", "sub", "help", "breach", "audit"} {
		d.article(name, d.prose(name)...)
	}
	d.article("limits", d.limits()...)
	d.article("end", d.prose("end")...)
	d.article("free", d.prose("free")...)
	d.article("signatures", d.signatures(signed))
	return d.out
}

// say is a sentence of the convention.
func (d *draft) say(name string, args map[string]any) string {
	return d.sentence("trust.convention."+name, args)
}

// sentence is any sentence, written like those of the convention.
func (d *draft) sentence(key string, args map[string]any) string {
	return d.p.T(key, args)
}

func (d *draft) article(name string, blocks ...Block) {
	d.out.Articles = append(d.out.Articles, Article{len(d.out.Articles) + 1, d.say(name+"_title", nil), blocks})
}

// prose turns fixed words into paragraphs and lists ("- " begins an item).
func (d *draft) prose(name string) []Block {
	var out []Block
	for part := range strings.SplitSeq(strings.TrimSpace(d.say(name, nil)), "\n\n") {
		lines := strings.Split(part, "\n- ")
		out = append(out, Block{Text: lines[0], Items: lines[1:]})
	}
	return out
}

func quote(s string) []Block {
	if s == "" {
		return nil
	}
	return []Block{{Quote: s}}
}

// name is what people call a party, always with the domain that proves it.
func (d *draft) name(id core.MemberID) string {
	if name := d.record.CardOf(id).Name; name != "" && name != string(id) {
		return name + " (" + string(id) + ")"
	}
	return string(id)
}

func (d *draft) facts(now core.Moment) []Fact {
	pact := d.record.Pact
	by := func(at core.Moment, id core.MemberID) string {
		return d.say("by", map[string]any{"Date": d.p.Date(at), "Member": id})
	}
	accepted := d.say("not_yet", nil)
	if d.record.Accepted != nil {
		accepted = by(d.record.Accepted.At, pact.Accepter.Member)
	}
	return []Fact{
		{d.say("id", nil), d.record.ID},
		{d.say("terms", nil), pact.Terms},
		{d.say("state", nil), stateWords(d.p, d.record, "", now)},
		{d.say("made", nil), by(pact.Made, pact.Proposer.Member)},
		{d.say("accepted", nil), accepted},
	}
}

// stateWords says where a pact stands; to self, when it waits for our own
// signature.
func stateWords(p *words.Printer, h Record, self core.MemberID, now core.Moment) string {
	state := h.State(now)
	key := "trust.state." + string(state)
	if state == Proposed && h.Pact.Accepter.Member == self {
		key += "_us"
	}
	return p.T(key, map[string]any{"Member": h.Pact.Accepter.Member, "Until": p.Day(h.Until())})
}

func (d *draft) both() []Party { return []Party{d.record.Pact.Proposer, d.record.Pact.Accepter} }

func (d *draft) orNotSaid(s string) string {
	if s == "" {
		return d.say("not_said", nil)
	}
	return s
}

func (d *draft) parties() (out []Block) {
	for _, party := range d.both() {
		card := d.record.CardOf(party.Member)
		facts := []Fact{
			{d.say("domain", nil), string(party.Member)},
			{d.say("fingerprint", nil), seal.Fingerprint(party.Root)},
			{d.say("contact", nil), d.orNotSaid(card.Contact)},
		}
		if card.Admin != "" {
			facts = append(facts, Fact{d.say("admin", nil), card.Admin})
		}
		out = append(out, Block{Text: d.name(party.Member), Facts: facts})
	}
	return out
}

func (d *draft) promises(party Party, other string) Block {
	args := map[string]any{"A": d.name(party.Member), "B": other}
	if len(party.Grants) == 0 {
		return Block{Text: d.say("promises_nothing", args)}
	}
	return Block{Text: d.say("promises", args), Items: d.types.Words(d.p, party.Grants)}
}

func (d *draft) dataKinds() (out []string) {
	for _, kind := range d.types {
		for _, party := range d.both() {
			if _, ok := party.Promise(kind.Kind); ok {
				out = append(out, d.sentence(kind.Words+"data", nil))
				break
			}
		}
	}
	return out
}

func (d *draft) places() (out []Block) {
	for _, party := range d.both() {
		card := d.record.CardOf(party.Member)
		out = append(out, Block{Text: d.name(party.Member), Facts: []Fact{
			{d.say("place", nil), d.orNotSaid(card.Place)},
			{d.say("network", nil), d.orNotSaid(card.Network)},
		}})
	}
	return out
}

func (d *draft) duration() Block {
	text := d.say("duration", map[string]any{"Days": d.record.Pact.NoticeDays}) + " "
	day, err := time.Parse(time.DateOnly, d.record.Pact.Review)
	if err != nil {
		return Block{Text: text + d.say("no_review", nil)}
	}
	return Block{Text: text + d.say("review", map[string]any{"Date": d.p.Day(core.At(day))})}
}

func (d *draft) limits() []Block {
	out := d.prose("limits")
	for _, party := range d.both() {
		if limits := d.record.CardOf(party.Member).Limits; limits != "" {
			out = append(out, Block{Text: d.say("limits_of", map[string]any{"Member": d.name(party.Member)}), Quote: limits})
		}
	}
	return out
}

func (d *draft) signatures(env seal.Envelope) Block {
	facts := make([]Fact, 0, len(d.both()))
	for _, party := range d.both() {
		text := d.say("unsigned", nil)
		for _, sig := range env.Signatures {
			if id, key, _ := strings.Cut(sig.KeyID, " "); id == string(party.Member) {
				text = d.say("signature", map[string]any{"Key": key})
			}
		}
		facts = append(facts, Fact{string(party.Member), text})
	}
	return Block{Facts: facts}
}

// WriteText prints the convention for a terminal or a mail, 78 columns wide.
func (c Convention) WriteText(w io.Writer) error {
	t, err := texttemplate.New("convention.txt").Funcs(texttemplate.FuncMap{
		"wrap": wrap,
		"rule": func(s string) string { return strings.Repeat("=", min(78, utf8.RuneCountInString(s))) },
		"colon": func(f Fact) string {
			if c.Lang == words.French {
				return f.Label + "\u00a0: " + f.Text
			}
			return f.Label + ": " + f.Text
		},
		"lines": func(s string) []string { return strings.Split(s, "\n") },
	}).ParseFS(pages, "pages/convention.txt")
	if err != nil {
		return fmt.Errorf("read the convention's layout: %w", err)
	}
	return t.Execute(w, c)
}

// WriteHTML prints the convention as one page that needs nothing else.
func (c Convention) WriteHTML(w io.Writer) error {
	t, err := template.ParseFS(pages, "pages/convention.html", "pages/articles.html")
	if err != nil {
		return fmt.Errorf("read the convention's layout: %w", err)
	}
	return t.Execute(w, c)
}

// wrap breaks a text at its plain spaces into lines of at most 78 columns, the
// first after first, the others after rest.
func wrap(first, rest, text string) string {
	var out strings.Builder
	line := first
	for i, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' }) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 78 {
			out.WriteString(line + "\n")
			line = rest + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return out.String() + line
}
