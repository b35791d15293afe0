package assembly

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/debate"
	"entrechat/internal/room/assembly/need"
)

func (r *Room) newDebates() *debate.Service {
	return debate.New(debate.Needs{
		DB: r.DB, Members: r.Members, Append: r.append, Incidents: r.Incidents, Tell: r.tell, URL: r.URL, Lang: r.Deciding.Lang, Words: r.Words, Now: r.Now, Log: r.Log,
	})
}

func (r *Room) append(ctx context.Context, typ string, aud []core.MemberID, body any) error {
	_, err := r.Book.Append(ctx, typ, aud, 0, body)
	return err
}

// tell makes a need of what a member answered in a debate; it waits for a moderator as any
// other.
func (r *Room) tell(ctx context.Context, lang, goal string) error {
	_, err := r.Told.Tell(ctx, need.Told{Goal: goal, Lang: lang, Signed: true})
	return err
}
