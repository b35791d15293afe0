package note

import (
	"net/http"
	"slices"
)

// Choice is one service in a form where several may be ticked.
type Choice struct {
	Name   string
	Chosen bool
}

// Choices are the services of a form, those ticked that were sent with it.
func Choices(r *http.Request, names []string) []Choice {
	out := make([]Choice, 0, len(names))
	for _, name := range names {
		out = append(out, Choice{name, slices.Contains(r.PostForm["service"], name)})
	}
	return out
}
