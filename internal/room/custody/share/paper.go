package share

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Paper is the sheet of paper that one holder keeps: the share, and what to do when somebody asks
// for it. It is made to be printed, and then forgotten by the machine.
type Paper struct {
	Share Share
	Deal  ID
	N     int           // how many shares there are
	Owner string        // whose box: its domain
	Scope string        // what it opens: "root", "domain", "serve", "assets" or "data:NAME"
	Wait  time.Duration // how long holders wait after an ask; 0 = the sheet does not say
	Call  []string      // whom to call, one line each: name and number; empty = lines to fill in by hand
	Made  core.Moment   // when it was dealt
}

// Tail is the last six signs of a share's text, its checksum: somebody who types them back
// has the sheet before them. They say nothing of the secret.
func (s Share) Tail() string {
	text := s.Text()
	return text[max(0, len(text)-6):]
}

// The sheet shows a share in groups of groupSigns, rowSigns in a row.
const (
	groupSigns = 4
	rowSigns   = 20
)

// paperRow is one row of a share, and the place of its first sign.
type paperRow struct {
	From   int
	Groups string
}

func (s Paper) rows() []paperRow {
	text, from := s.Share.Text(), 1
	var out []paperRow
	for part := range slices.Chunk([]byte(text), rowSigns) {
		var groups []string
		for g := range slices.Chunk(part, groupSigns) {
			groups = append(groups, string(g))
		}
		out = append(out, paperRow{from, strings.Join(groups, " ")})
		from += rowSigns
	}
	return out
}

// said are the sentences of a sheet, in the order they stand in.
type said struct {
	Lang, Title, What, Opens, Names string
	Call, Asked, Never              []string
	Lost, Check                     string
	Rows                            []paperRow
	Code                            template.HTML
	Full                            bool // a page of its own
}

// say fills the sentences. Returns an error when the sheet has no share, or another deal's.
func (s Paper) say(p *words.Printer) (said, error) {
	if s.Share.Text() == "" || !s.Share.Of(s.Deal) || s.N <= s.Share.K || s.Share.Number > s.N {
		return said{}, errors.New("a sheet without its share")
	}
	code, err := web.QR(strings.ToUpper(s.Share.Text()))
	if err != nil {
		return said{}, err
	}
	owner := oneLine(s.Owner)
	at := SixWords(string(s.Deal))
	out := said{
		Lang: p.Lang, Rows: s.rows(), Code: code, Opens: s.opens(p),
		Names: p.T("custody.share.paper_deal", map[string]any{"Deal": string(s.Deal), "Words": strings.Join(at[:], " ")}),
		Title: p.T("custody.share.paper_title", map[string]any{"Owner": owner}),
		What: p.T("custody.share.paper_what", map[string]any{
			"Owner": owner, "Number": s.Share.Number, "N": s.N, "K": s.Share.K, "Day": p.Day(s.Made),
		}),
		Never: []string{p.T("custody.share.paper_never_words", nil), p.T("custody.share.paper_never_copy", nil), p.T("custody.share.paper_never_together", nil)},
		Lost:  p.T("custody.share.paper_lost", nil),
		Check: p.T("custody.share.paper_check", nil),
	}
	wait := p.T("custody.share.paper_wait", nil)
	if s.Wait > 0 {
		wait = p.T("custody.share.paper_wait_for", map[string]any{"Wait": s.Wait})
	}
	out.Asked = []string{p.T("custody.share.paper_call_back", nil), p.T("custody.share.paper_compare", nil), wait, p.T("custody.share.paper_give", nil)}
	for _, line := range s.Call {
		if line = oneLine(line); line != "" {
			out.Call = append(out.Call, line)
		}
	}
	return out, nil
}

// opens says what lies in the box.
func (s Paper) opens(p *words.Printer) string {
	switch s.Scope {
	case "root":
		return p.T("custody.share.opens_root", nil)
	case "domain":
		return p.T("custody.share.opens_domain", nil)
	case "serve":
		return p.T("custody.share.opens_serve", nil)
	case "assets":
		return p.T("custody.share.opens_assets", nil)
	}
	if name, ok := strings.CutPrefix(s.Scope, "data:"); ok {
		return p.T("custody.share.opens_data", map[string]any{"Name": oneLine(name)})
	}
	return p.T("custody.share.opens_other", map[string]any{"Name": oneLine(s.Scope)})
}

// oneLine takes from a text what would break a sheet, and bounds it.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > 200 {
		text = string([]rune(text)[:200])
	}
	return text
}

// HTML is the sheet as a part of a page: text and an inline picture, no script. Returns
// an error when the sheet has no share.
func (s Paper) HTML(p *words.Printer) (template.HTML, error) { return s.fill(p, false) }

// Document is the sheet as an HTML file of its own, to be opened and printed anywhere.
func (s Paper) Document(p *words.Printer) (template.HTML, error) { return s.fill(p, true) }

func (s Paper) fill(p *words.Printer, full bool) (template.HTML, error) {
	out, err := s.say(p)
	if err != nil {
		return "", err
	}
	out.Full = full
	t, err := template.New("paper.html").Funcs(template.FuncMap{"t": func(key string) string { return p.T(key, nil) }}).ParseFS(pages, "pages/paper.html")
	if err != nil {
		return "", fmt.Errorf("the page of a share: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, out); err != nil {
		return "", fmt.Errorf("the page of a share: %w", err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // a template of ours wrote it
}
