package words

import "strings"

// hardSpaces puts no-break spaces where French typography wants them: before : ; ? ! % »
// and after «. What stands between backticks is a command, to be typed as it is; " :=" is
// part of a template.
func hardSpaces(sentence string, signs *strings.Replacer) string {
	parts := strings.Split(sentence, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = signs.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// frenchSigns puts the spaces; it is made once for many sentences, since making it costs
// more than all it replaces.
func frenchSigns() *strings.Replacer {
	const hard = "\u00a0"
	return strings.NewReplacer(" :=", " :=", " :", hard+":", " ;", hard+";", " ?", hard+"?", " !", hard+"!", " %", hard+"%", " »", hard+"»", "« ", "«"+hard)
}
