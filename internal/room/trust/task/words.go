package task

import (
	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/document"
)

// Print says what is still to be told or fetched, a line each.
func Print(out *console.Out, list []Waiting) {
	for _, w := range list {
		out.Line("  " + out.P.Pair(out.P.T("trust.label.task", nil), Words(out.P, w)))
	}
}

// Words says what is still to be told or fetched, and what kept it.
func Words(p *words.Printer, w Waiting) string {
	trouble := w.Error
	if wordsKey.MatchString(trouble) {
		trouble = p.Error(&core.Error{Code: core.CodeUnsure, Key: trouble, Args: map[string]any{"Member": w.Member, "ID": document.Short(w.About)}})
	}
	return p.T("trust.task.waiting", map[string]any{"What": p.T("trust.task."+w.What, nil), "Member": w.Member, "Tries": w.Tries, "Error": trouble})
}
