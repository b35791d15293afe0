package console

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"entrechat/internal/core"
)

// Confirm lets a person decide about what cannot be taken back: show prints what it
// is, on the error stream so that JSON stays alone, then the answer is read. yes is
// the flag --yes, by which a script decides; nothing is shown then. Returns
// CodeInvalid where In is no terminal and nobody said --yes, CodeDenied for any
// answer but a yes.
func (o *Out) Confirm(yes bool, show func(*Out)) error {
	if yes {
		return nil
	}
	side := *o
	side.W = o.Err
	show(&side)
	if f, ok := o.In.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return core.Invalid("console.say_yes", errors.New("no terminal to answer on, and no --yes"))
	}
	o.Note("console.sure", nil)
	answer, err := bufio.NewReader(o.In).ReadString('\n')
	if err != nil || !slices.Contains([]string{"oui", "o", "yes", "y"}, strings.ToLower(strings.TrimSpace(answer))) {
		return core.Denied("console.not_confirmed", err)
	}
	return nil
}
