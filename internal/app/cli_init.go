package app

import (
	"context"
	"path/filepath"
	"strings"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// init makes the node once the seed words are with the person: on the terminal, or in
// a file outside the node for a script.
func (l *cli) init(ctx context.Context, place Place, seedOut string) error {
	if err := datadir.CheckUser(l.data, l.args); err != nil {
		return err
	}
	if seedOut != "" {
		var err error
		if seedOut, err = filepath.Abs(seedOut); err != nil {
			return err
		}
	}
	if datadir.Unfinished(l.data) != nil {
		l.out.Note("app.init_again", nil)
	}
	return Init(ctx, l.data, place, seedOut, func(seed seal.Seed) error {
		if err := l.showNode(place, seed, seedOut); err != nil {
			return core.Internal("app.words_unshown", err)
		}
		return nil
	})
}

// showNode says what was made; without a file for them, the words are part of it.
func (l *cli) showNode(place Place, seed seal.Seed, seedOut string) error {
	view := struct {
		Origin      string `json:"origin"`
		Data        string `json:"data"`
		Root        string `json:"root"`
		Fingerprint string `json:"fingerprint"`
		SeedFile    string `json:"seed_file,omitempty"`
		Seed        string `json:"seed,omitempty"`
	}{place.Origin, l.data, seed.Root().String(), seal.Fingerprint(seed.Root()), seedOut, ""}
	if seedOut == "" {
		view.Seed = seed.Words()
	}
	return l.out.Emit(view, func() {
		l.out.Say("app.init_done", map[string]any{"Origin": view.Origin, "Data": l.data, "Fingerprint": view.Fingerprint})
		l.out.Line("")
		if seedOut != "" {
			l.out.Say("app.init_seed_file", map[string]any{"Path": seedOut})
		} else {
			l.out.Say("app.init_seed", nil)
			l.out.Line("\n" + columns(strings.Fields(seed.Words())) + "\n")
		}
		l.out.Say("app.init_next", nil)
	})
}

// columns prints 24 words numbered, six to a line, as one writes them down.
func columns(all []string) string {
	var b strings.Builder
	for i, w := range all {
		if i > 0 && i%6 == 0 {
			b.WriteString("\n")
		}
		number := string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		b.WriteString("  " + number + " " + w + strings.Repeat(" ", max(0, 9-len(w))))
	}
	return b.String()
}
