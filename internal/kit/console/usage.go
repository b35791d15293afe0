package console

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
		{regexp.MustCompile(`^unknown command "(.*)" for `), "console.usage_command"},
		{regexp.MustCompile(`^unknown flag: (.+)$`), "console.usage_flag"},
		{regexp.MustCompile(`^unknown shorthand flag: .* in (.+)$`), "console.usage_flag"},
		{regexp.MustCompile(`^(?:accepts|requires) .* received`), "console.usage_words"},
		{regexp.MustCompile(`^required flag\(s\) (.+) not set$`), "console.usage_missing"},
		{regexp.MustCompile(`^flag needs an argument: (?:.* in )?(.+)$`), "console.usage_value"},
		{regexp.MustCompile(`^invalid argument (".*") for "(?:-., )?(--.+)" flag: `), "console.usage_unfit"},
	}
}

// complaint is one form of cobra's complaints.
type complaint struct {
	form *regexp.Regexp
	key  string
}

// Mistyped turns cobra's complaint into ours; anything else is returned as it is.
func Mistyped(err error, command *cobra.Command) error {
	if _, coded := errors.AsType[*core.Error](err); coded {
		return err
	}
	for _, c := range complaints() {
		found := c.form.FindStringSubmatch(err.Error())
		if found == nil {
			continue
		}
		e := core.Invalid(c.key, err).With("Command", command.CommandPath()).With("Use", command.UseLine())
		if c.key == "console.usage_command" && !command.HasSubCommands() {
			e.Key = "console.usage_words" // a word too many
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
		return core.Invalid("console.bad_usage", err).With("Detail", err.Error()).With("Command", command.CommandPath())
	}
	return err
}

// optionNames writes options as they are typed; cobra lists missing ones as "a", "b".
func optionNames(text, key string) string {
	text = strings.ReplaceAll(text, `"`, "")
	if key != "console.usage_missing" {
		return text
	}
	return "--" + strings.ReplaceAll(text, ", ", ", --")
}
