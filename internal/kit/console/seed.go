package console

import (
	"bufio"
	"io"
	"os"
	"strings"

	"entrechat/internal/core"
)

// seedWords is how many words a seed has.
const seedWords = 24

// ReadWords reads seed words from a file, or as a person types them when there is
// none. Whether they are right seal.ParseSeed says. Returns CodeNotFound for a file
// that cannot be read.
func (o *Out) ReadWords(file string) (string, error) {
	if file == "" {
		o.Note("seal.type_words", nil)
		return wordsOf(o.In)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", core.NotFound("seal.no_seed_file", err).With("Path", file)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := wordsOf(f)
	if err != nil { // a folder, or a file of bytes
		return "", core.NotFound("seal.no_seed_file", err).With("Path", file)
	}
	return text, nil
}

// ReadPassword reads a password from a file, or the first line a person types when
// there is none. Returns CodeNotFound for a file that cannot be read.
func (o *Out) ReadPassword(file string) (string, error) {
	if file == "" {
		o.Note("seal.type_password", nil)
		lines := bufio.NewScanner(o.In)
		lines.Scan()
		return lines.Text(), lines.Err()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", core.NotFound("seal.no_password_file", err).With("Path", file)
	}
	return string(text), nil
}

// wordsOf takes words from any number of lines until there are enough, leaving out
// comments and the numbers that a printed list has.
func wordsOf(r io.Reader) (string, error) {
	var found []string
	lines := bufio.NewScanner(r)
	for len(found) < seedWords && lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		for w := range strings.FieldsSeq(text) {
			if strings.Trim(w, "0123456789.)") != "" {
				found = append(found, w)
			}
		}
	}
	return strings.Join(found, " "), lines.Err()
}
