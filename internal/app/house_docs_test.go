package app

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// commandTree is the command line as people get it.
func commandTree(t *testing.T) *cobra.Command {
	t.Helper()
	catalogue, err := words.New(allWords()...)
	if err != nil {
		t.Fatal(err)
	}
	l := &cli{words: catalogue, out: console.Out{W: io.Discard, Err: io.Discard, P: catalogue.Printer(words.English)}}
	root := l.root()
	root.InitDefaultHelpCmd()
	return root
}

var (
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	typed    = regexp.MustCompile(`(?:^|[\s"'(/])entrechat((?: +[^\s|;&)]+)+)`)
)

// commandsExist: what a page, or a sentence, tells people to type is a command,
// with flags that it has.
func commandsExist(t *testing.T, h *tree) (complaints []string) {
	root := commandTree(t)
	look := func(name string, line int, text string) {
		for _, m := range typed.FindAllStringSubmatch(text, -1) {
			if why := untypable(root, strings.Fields(m[1])); why != "" {
				complaints = append(complaints, fmt.Sprintf("%s:%d: entrechat%s: %s", name, line, m[1], why))
			}
		}
	}
	h.walk(t, ".md", func(name, text string) {
		fenced := false
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
				continue
			}
			if code, ok := strings.CutPrefix(line, "    "); ok || fenced {
				command, _, _ := strings.Cut(code, " #")
				look(name, i+1, command)
				continue
			}
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				look(name, i+1, span[1])
			}
		}
	})
	h.walk(t, ".toml", func(name, text string) {
		if path.Base(path.Dir(name)) != "words" {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				look(name, i+1, span[1])
			}
		}
	})
	return complaints
}

// untypable says why words are no command line; empty when they are.
func untypable(root *cobra.Command, line []string) string {
	at := root
	for i := 0; i < len(line); i++ {
		word := strings.Trim(line[i], `"'.,:`)
		name, isFlag := strings.CutPrefix(word, "--")
		switch {
		case word == "--" || word == "entrechat" || strings.Contains(word, "/"): // of another command: docker, sudo, go build
			return ""
		case isFlag:
			name, _, given := strings.Cut(name, "=")
			flag := at.Flag(name)
			if flag == nil && name != "help" {
				return "there is no --" + name
			}
			if flag != nil && flag.Value.Type() != "bool" && !given {
				i++ // its value
			}
		case at.HasSubCommands():
			next := child(at, word)
			if next == nil {
				if word == "" || strings.ToLower(word) != word {
					return "" // a place to fill in: entrechat COMMAND --help
				}
				return "there is no command " + word
			}
			at = next
		}
	}
	return ""
}

func child(c *cobra.Command, name string) *cobra.Command {
	for _, sub := range c.Commands() {
		if sub.Name() == name {
			return sub
		}
	}
	return nil
}

var pageLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// pageLinks: what a page points to in this checkout is there, down to the heading.
func pageLinks(t *testing.T, h *tree) (complaints []string) {
	h.walk(t, ".md", func(name, text string) {
		for i, line := range strings.Split(text, "\n") {
			for _, m := range pageLink.FindAllStringSubmatch(line, -1) {
				target, anchor, _ := strings.Cut(m[1], "#")
				if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				at := name
				if target != "" {
					at = path.Join(path.Dir(name), target)
				}
				if why := h.missing(at, anchor); why != "" {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %s", name, i+1, why))
				}
			}
		}
	})
	return complaints
}

// missing says why a link leads nowhere: to a file, a folder, or a page's heading.
func (h *tree) missing(name, anchor string) string {
	if anchor != "" {
		return h.dangling(name + "#" + anchor)
	}
	if _, err := fs.Stat(h.fsys, name); err != nil {
		return name + " does not exist"
	}
	return ""
}
