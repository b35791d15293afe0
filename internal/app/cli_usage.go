package app

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
)

// complaints are what cobra says of mistyped commands, which has neither a type nor a
// second language, and the words for it. A group of the pattern is what was typed.
func complaints() []complaint {
	return []complaint{
		{regexp.MustCompile(`^unknown command "(.*)" for `), "app.usage_command"},
		{regexp.MustCompile(`^unknown flag: (.+)$`), "app.usage_flag"},
		{regexp.MustCompile(`^unknown shorthand flag: .* in (.+)$`), "app.usage_flag"},
		{regexp.MustCompile(`^(?:accepts|requires) .* received`), "app.usage_words"},
		{regexp.MustCompile(`^required flag\(s\) (.+) not set$`), "app.usage_missing"},
		{regexp.MustCompile(`^flag needs an argument: (?:.* in )?(.+)$`), "app.usage_value"},
		{regexp.MustCompile(`^invalid argument (".*") for "(?:-., )?(--.+)" flag: `), "app.usage_unfit"},
	}
}

// complaint is one form of cobra's complaints.
type complaint struct {
	form *regexp.Regexp
	key  string
}

// mistyped turns cobra's complaint into ours; anything else is returned as it is.
func mistyped(err error, command *cobra.Command) error {
	if _, coded := errors.AsType[*core.Error](err); coded {
		return err
	}
	for _, c := range complaints() {
		found := c.form.FindStringSubmatch(err.Error())
		if found == nil {
			continue
		}
		e := core.Invalid(c.key, err).With("Command", command.CommandPath()).With("Use", command.UseLine())
		if c.key == "app.usage_command" && !command.HasSubCommands() {
			e.Key = "app.usage_words" // a word too many
		}
		if len(found) > 1 {
			e = e.With("Typed", optionNames(found[1], c.key)).With("Near", strings.Join(command.SuggestionsFor(found[1]), ", "))
		}
		if len(found) > 2 {
			e = e.With("Flag", found[2])
		}
		return e
	}
	if strings.HasPrefix(err.Error(), "if any flags") {
		return core.Invalid("app.bad_usage", err).With("Detail", err.Error()).With("Command", command.CommandPath())
	}
	return err
}

// optionNames writes options as they are typed; cobra lists missing ones as "a", "b".
func optionNames(text, key string) string {
	text = strings.ReplaceAll(text, `"`, "")
	if key != "app.usage_missing" {
		return text
	}
	return "--" + strings.ReplaceAll(text, ", ", ", --")
}
