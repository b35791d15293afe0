package succession

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/rescue"
	"entrechat/internal/room/succession/rescue/letin"
	"entrechat/internal/room/succession/rescue/site"
)

// Rescuing is what rescues ask of other rooms; each may be missing.
type Rescuing struct {
	Mailer   func() (letin.Mailer, bool)
	Accounts func() (site.Accounts, bool)
}

const boxName = "succession.key" // seals, and hashes people

func (r *Room) openRescues() error {
	box, err := seal.OpenBox(filepath.Join(r.Secrets, boxName))
	if err != nil {
		return err
	}
	r.Rescue = rescue.New(rescue.Needs{
		DB: r.DB, Dir: filepath.Join(r.Dir, "rescue"), Box: box, Words: r.Words, Signer: r.Signer, Book: r.Book, Named: r.Promises, Packs: r.Pack,
		Silent: r.silent, Pointer: r.Pointers.Read, Private: r.Private, URL: r.URL, Now: r.Now, Log: r.Log,
		Ask: rescue.Ask{Vault: func() (rescue.Vault, bool) { return r.Vault() }, Mailer: r.Rescuing.Mailer, Accounts: r.Rescuing.Accounts},
	})
	return nil
}

// testQuiet is how long an owner is not heard in a network of tests before its data may be shown.
const testQuiet = 5 * time.Second

// silent says whether nothing is heard of an owner any more, and since when.
func (r *Room) silent(ctx context.Context, owner core.MemberID) (since core.Moment, is bool, err error) {
	if !r.Private {
		return r.Silence.Silent(ctx, owner)
	}
	m, err := r.Book.Member(ctx, owner)
	return m.Heard, err == nil && core.At(r.Now()).Sub(m.Heard) >= testQuiet, err
}

// rescueFittings are what rescues hand to the house.
func (r *Room) rescueFittings() fit.Fittings {
	return fit.Fittings{
		Web: r.Rescue.Pages, Pages: r.Rescue.Programs(), Jobs: r.Rescue.Jobs(), Checks: r.Rescue.Checks(),
		Entries: map[string]string{rescue.TypeRescue: "succession.rescue.entry", rescue.TypeEnd: "succession.rescue.entry_end"},
	}
}

// front serves rescues alone under the name rescue.ORIGIN.
func (r *Room) front(next http.Handler) http.Handler {
	return site.Front(r.Signer.ID(), r.URL, next)
}

// Rescues lists the services of an owner that are, or were, readable here.
func (r *Room) Rescues(ctx context.Context, owner core.MemberID) ([]rescue.Standing, error) {
	return r.Rescue.Rescues(ctx, owner)
}

func rescueCommands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	return rescue.Commands(p, console.Part(open, func(r *Room) *rescue.Service { return r.Rescue }))
}
