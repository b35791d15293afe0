package collect

import (
	"os"
	"regexp"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/share"
)

// ReadShares reads shares of paper from files. Returns CodeNotFound "custody.breakglass.no_file",
// CodeInvalid.
func ReadShares(files []string) ([]share.Share, error) {
	var all []share.Share
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, core.NotFound("custody.breakglass.no_file", err).With("File", name)
		}
		s, err := share.Parse(string(text[:min(len(text), 4<<10)]))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// MaxMails bounds how many addresses of a contact sheet are written to.
const MaxMails = 10

var addressForm = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+`)

// Addresses finds what can be written to on a contact sheet.
func Addresses(text string) []string {
	found := addressForm.FindAllString(text, MaxMails)
	slices.Sort(found)
	return slices.Compact(found)
}
