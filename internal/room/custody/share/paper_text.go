package share

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"entrechat/internal/kit/words"
)

// width is how long a line of a text sheet may be, in signs.
const width = 78

// Text is the sheet as plain text, for a printer without a browser. Returns an error when
// the sheet has no share.
func (s Paper) Text(p *words.Printer) (string, error) {
	out, err := s.say(p)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	head := func(title string) {
		fmt.Fprintf(&b, "\n%s\n%s\n", title, strings.Repeat("-", utf8.RuneCountInString(title)))
	}
	list := func(mark string, lines []string) {
		for _, line := range lines {
			wrap(&b, mark, line)
		}
	}
	fmt.Fprintf(&b, "%s\n%s\n\n", out.Title, strings.Repeat("=", utf8.RuneCountInString(out.Title)))
	list("", []string{out.What, out.Opens})
	head(p.T("custody.share.paper_share", nil))
	for _, row := range out.Rows {
		fmt.Fprintf(&b, "%4d   %s\n", row.From, row.Groups)
	}
	b.WriteString("\n")
	list("", []string{p.T("custody.share.paper_share_how", nil), out.Names})
	head(p.T("custody.share.paper_call", nil))
	list("- ", append(out.Call, blanks(len(out.Call))...))
	head(p.T("custody.share.paper_asked", nil))
	for i, line := range out.Asked {
		wrap(&b, fmt.Sprintf("%d. ", i+1), line)
	}
	head(p.T("custody.share.paper_never", nil))
	list("- ", out.Never)
	b.WriteString("\n")
	list("", []string{out.Lost, out.Check})
	return b.String(), nil
}

// blanks are lines to fill in by hand where nobody is named.
func blanks(named int) []string {
	if named > 0 {
		return nil
	}
	return []string{strings.Repeat("_", 60), strings.Repeat("_", 60)}
}

// wrap writes a paragraph in lines, the first after a mark and the others below it.
func wrap(b *strings.Builder, mark, text string) {
	line, used := mark, 0
	for word := range strings.SplitSeq(text, " ") {
		if used > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line, used = strings.Repeat(" ", len(mark)), 0
		}
		if used > 0 {
			line += " "
		}
		line, used = line+word, used+1
	}
	b.WriteString(line + "\n")
}
