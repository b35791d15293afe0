package words

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"time"

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

// Catalogue holds the sentences of every kit and room. Safe for concurrent use.
type Catalogue struct {
	written map[string]map[string]message // by language and key
	signs   *strings.Replacer

	mu     sync.RWMutex
	said   map[sentence]bool // the bundle has it
	bundle *i18n.Bundle
}

// sentence names one, in one language.
type sentence struct{ lang, key string }

// message is one sentence as its file has it. The bundle takes it when it is first said: there
// it takes ten times the memory, and most sentences are never said by one process.
type message struct {
	One   string `toml:"one"`
	Other string `toml:"other"`
}

// New reads fr.toml and en.toml of every file system, at its root or in words/.
func New(sources ...fs.FS) (*Catalogue, error) {
	c := &Catalogue{
		written: map[string]map[string]message{French: {}, English: {}}, signs: frenchSigns(),
		said: map[sentence]bool{}, bundle: i18n.NewBundle(language.French),
	}
	for _, source := range append([]fs.FS{Words}, sources...) {
		for lang := range c.written {
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
		var messages map[string]message
		if err == nil {
			err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&messages)
		}
		if err != nil {
			return fmt.Errorf("read words %s: %w", name, err)
		}
		maps.Copy(c.written[lang], messages)
	}
	return nil
}

// ready puts the sentence of a key into the bundle, in a language and in French.
func (c *Catalogue) ready(lang, key string) error {
	for _, l := range []string{lang, French} {
		m, ok := c.written[l][key]
		if !ok || c.has(sentence{l, key}) {
			continue
		}
		if err := c.take(l, key, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalogue) has(one sentence) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.said[one]
}

func (c *Catalogue) take(lang, key string, m message) error {
	if lang == French {
		m = message{hardSpaces(m.One, c.signs), hardSpaces(m.Other, c.signs)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said[sentence{lang, key}] = true
	return c.bundle.AddMessages(language.Make(lang), &i18n.Message{ID: key, One: m.One, Other: m.Other})
}

// Printer says sentences in one language. Safe for concurrent use.
type Printer struct {
	Lang      string
	catalogue *Catalogue
	localizer *i18n.Localizer
}

// Printer makes a printer; any language but English is French.
func (c *Catalogue) Printer(lang string) *Printer {
	if lang != English {
		lang = French
	}
	return &Printer{Lang: lang, catalogue: c, localizer: i18n.NewLocalizer(c.bundle, lang, French)}
}

// T is the sentence of a key with its places filled; sizes, moments and durations
// are written the way the language does. A place "Count" of type int or int64
// also chooses the plural. A key or a place that is missing shows between ⟦ and ⟧.
func (p *Printer) T(key string, args map[string]any) string {
	text, ok := p.sentence(key, args)
	if !ok {
		return missing(key)
	}
	return text
}

func missing(key string) string { return "⟦" + key + "⟧" }

func (p *Printer) sentence(key string, args map[string]any) (text string, ok bool) {
	config := &i18n.LocalizeConfig{MessageID: key, TemplateData: p.localized(args)}
	switch n := args["Count"].(type) {
	case int:
		config.PluralCount = n
	case int64:
		config.PluralCount = n
	}
	if p.catalogue.ready(p.Lang, key) != nil {
		return "", false
	}
	p.catalogue.mu.RLock()
	defer p.catalogue.mu.RUnlock()
	// An error with a text is a plural form or a language that is not written
	// ("many" is for French millions): the text is then the next best one.
	text, err := p.localizer.Localize(config)
	if err != nil && text == "" {
		return "", false
	}
	return strings.ReplaceAll(text, "<no value>", missing("?")), true
}

// Error is what a person should read about an error: the sentence of the
// outermost core.Error, with the cause in parentheses when it is our own fault. A
// cause with a method Private that answers true, as the database's SQL text, is not
// shown: it is for the log.
// A key we have no sentence for, as a member with a newer program may send,
// becomes the sentence of its code.
func (p *Printer) Error(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*core.Error](err)
	if !ok {
		return p.T("core.internal", nil) + detail(err)
	}
	text, ok := p.sentence(e.Key, e.Args)
	if !ok {
		text = p.T("core."+string(core.CodeOf(e)), nil)
		if e.Err == nil {
			return text + " (" + missing(e.Key) + ")"
		}
	}
	if !ok || e.Code == core.CodeInternal {
		text += detail(err)
	}
	return text
}

// detail is an error's text in parentheses, empty when it is private.
func detail(err error) string {
	var private interface{ Private() bool }
	if errors.As(err, &private) && private.Private() {
		return ""
	}
	return " (" + err.Error() + ")"
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
		case time.Duration:
			out[k] = p.Span(v)
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
		if value == "" {
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
