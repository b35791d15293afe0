package words

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"entrechat/internal/core"
)

// The languages, as the catalogue names them.
const (
	French  = "fr"
	English = "en"
)

// Words are this kit's own sentences.
//
//go:embed words/*.toml
var Words embed.FS

// Catalogue holds the sentences of every kit and room.
type Catalogue struct {
	bundle *i18n.Bundle
}

// New reads fr.toml and en.toml of every file system, at its root or in words/.
func New(sources ...fs.FS) (*Catalogue, error) {
	c := &Catalogue{bundle: i18n.NewBundle(language.French)}
	c.bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	for _, source := range append([]fs.FS{Words}, sources...) {
		for _, lang := range []string{French, English} {
			if err := c.load(source, lang); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (c *Catalogue) load(source fs.FS, lang string) error {
	for _, name := range []string{lang + ".toml", "words/" + lang + ".toml"} {
		text, err := fs.ReadFile(source, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			_, err = c.bundle.ParseMessageFileBytes(text, name)
		}
		if err != nil {
			return fmt.Errorf("read words %s: %w", name, err)
		}
	}
	return nil
}

// Printer says sentences in one language. Safe for concurrent use.
type Printer struct {
	Lang      string
	localizer *i18n.Localizer
}

// Printer makes a printer; any language but English is French.
func (c *Catalogue) Printer(lang string) *Printer {
	if lang != English {
		lang = French
	}
	return &Printer{Lang: lang, localizer: i18n.NewLocalizer(c.bundle, lang, French)}
}

// T is the sentence of a key with its places filled. A place "Count" of type int
// or int64 also chooses the plural.
func (p *Printer) T(key string, args map[string]any) string {
	config := &i18n.LocalizeConfig{MessageID: key, TemplateData: args}
	switch n := args["Count"].(type) {
	case int:
		config.PluralCount = n
	case int64:
		config.PluralCount = n
	}
	text, err := p.localizer.Localize(config)
	if err != nil && text == "" {
		return "⟦" + key + "⟧"
	}
	return text
}

// Error is what a person should read about an error: the sentence of the
// outermost core.Error, and its cause in parentheses when it is our own fault or
// there is no sentence.
func (p *Printer) Error(err error) string {
	if err == nil {
		return ""
	}
	var e *core.Error
	if !errors.As(err, &e) {
		return p.T("core.internal", nil) + " (" + err.Error() + ")"
	}
	text := p.T(e.Key, p.localized(e.Args))
	if e.Code == core.CodeInternal || strings.HasPrefix(text, "⟦") {
		text += " (" + err.Error() + ")"
	}
	return text
}

// localized writes quantities the way the language does.
func (p *Printer) localized(args map[string]any) map[string]any {
	out := make(map[string]any, len(args))
	for k, v := range args {
		switch v := v.(type) {
		case core.Size:
			out[k] = p.Bytes(v)
		case core.Moment:
			out[k] = p.Date(v)
		default:
			out[k] = v
		}
	}
	return out
}

// DetectLang reads ENTRECHAT_LANG, LC_ALL, LC_MESSAGES and LANG, the first that
// is set; French when none says otherwise, English for any language but French.
func DetectLang(env func(string) string) string {
	for _, name := range []string{"ENTRECHAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		value := env(name)
		if value == "" || value == "C" || value == "POSIX" || strings.HasPrefix(value, "C.") {
			continue
		}
		if strings.HasPrefix(value, "fr") {
			return French
		}
		return English
	}
	return French
}

// FromAccept chooses by a browser's Accept-Language header.
func FromAccept(header string) string {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return French
	}
	_, index, _ := language.NewMatcher([]language.Tag{language.French, language.English}).Match(tags...)
	return []string{French, English}[index]
}
