package succession

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/silence"
)

// find answers, when it is asked, the first room that is a T; false while there is none.
func find[T any](rooms func() []any) func() (T, bool) {
	return func() (answer T, ok bool) {
		for _, one := range rooms() {
			if answer, ok = one.(T); ok {
				return answer, true
			}
		}
		return answer, false
	}
}

// newSilence wires who is silent.
func (r *Room) newSilence() *silence.Service {
	return silence.New(silence.Needs{
		DB: r.DB, Self: r.Signer.ID(), URL: r.URL, Book: r.Roster, Named: r.Promises, Watch: find[silence.Watch](r.Rooms), Custody: find[silence.Custody](r.Rooms),
		Pacts: find[silence.Pacts](r.Rooms), Mailer: find[silence.Mailer](r.Rooms), Say: speaker{r}, Private: r.Private, Now: r.Now, Log: r.Log,
	})
}

// Silent says whether an owner is silent, and since when: no head of it came for a week, and its
// services are seen down.
func (r *Room) Silent(ctx context.Context, owner core.MemberID) (since core.Moment, silent bool, err error) {
	return r.Silence.Silent(ctx, owner)
}

// MayAsk says whether a member may ask, as a successor, for a box of a silent owner. Codes as for
// silence.Service.MayAsk.
func (r *Room) MayAsk(ctx context.Context, owner, member core.MemberID, scope string) (known bool, err error) {
	return r.Silence.MayAsk(ctx, owner, member, scope)
}

// speaker says things in the node's language.
type speaker struct{ room *Room }

// T is a sentence.
func (s speaker) T(key string, args map[string]any) string {
	return s.room.Words.Printer(s.room.Lang).T(key, args)
}
