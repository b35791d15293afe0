package words

import "strings"

// hardSpaces puts no-break spaces where French typography wants them: before : ; ? ! % »
// and after «. What stands between backticks is a command, to be typed as it is.
func hardSpaces(sentence string) string {
	const hard = "\u00a0"
	signs := strings.NewReplacer(" :", hard+":", " ;", hard+";", " ?", hard+"?", " !", hard+"!", " %", hard+"%", " »", hard+"»", "« ", "«"+hard)
	parts := strings.Split(sentence, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = signs.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
