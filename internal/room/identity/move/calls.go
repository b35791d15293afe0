package move

import (
	"context"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
)

// The endpoints for members.
const (
	pathOpen = "/ec/v1/identity/move/open"
	pathList = "/ec/v1/identity/move/list"
	pathDone = "/ec/v1/identity/move/done"
)

// Calls asks members; peer.Client is one.
type Calls interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// ask is what a new home asks the old one for.
type ask struct {
	Code  string `json:"code,omitempty"`
	After string `json:"after,omitempty"` // the last release of the list before
}

// passage is somebody who comes: their releases, and what an account is made of.
type passage struct {
	Release string   `json:"release"`
	Earlier []string `json:"earlier,omitempty"`
	Handle  string   `json:"handle"`
	Name    string   `json:"name,omitempty"`
	Lang    string   `json:"lang,omitempty"`
	Choice  string   `json:"choice,omitempty"` // for the day a hoster closes
}

// passages are those of a list.
type passages struct {
	People []passage `json:"people,omitempty"`
	Next   string    `json:"next,omitempty"` // ask on after it; empty = these are the last
}

// done is a new home's word that it has a person.
type done struct {
	Document string `json:"document"` // the release, signed by both
	Sub      string `json:"sub"`      // at the new home
	Handle   string `json:"handle"`   // there
}

// endpoints answer members.
type endpoints struct{ *Moves }

// PeerRoutes are the endpoints for members.
func (m *Moves) PeerRoutes() []peer.Route {
	const body = 16 << 10
	return []peer.Route{
		{Pattern: "POST " + pathOpen, Digest: true, MaxBody: body, Handle: endpoints{m}.serveOpen},
		{Pattern: "POST " + pathList, Digest: true, MaxBody: body, Handle: endpoints{m}.serveList},
		{Pattern: "POST " + pathDone, Digest: true, MaxBody: body, Handle: endpoints{m}.serveDone},
		{Pattern: "POST " + legacy.PathEstate, Digest: true, MaxBody: body, Handle: m.estates().Serve},
	}
}

func (m endpoints) serveOpen(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var a ask
	if err := peer.ReadJSON(r, &a); err != nil {
		return err
	}
	o, err := outByCode(r.Context(), m.n.DB, a.Code, from, m.now())
	if err != nil {
		return err
	}
	p, err := m.passage(r.Context(), o)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, p)
}

// passage is what the new home needs of somebody.
func (m endpoints) passage(ctx context.Context, o out) (p passage, err error) {
	who, err := person.Get(ctx, m.n.DB, o.person)
	if err != nil {
		return p, err
	}
	p = passage{Release: o.document, Handle: who.Handle, Name: who.Name, Lang: who.Lang, Choice: string(who.Choice)}
	p.Earlier, err = cameTexts(ctx, m.n.DB, o.person, MaxChain-1)
	return p, err
}

func (m endpoints) serveList(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var a ask
	if err := peer.ReadJSON(r, &a); err != nil {
		return err
	}
	list, err := outList(r.Context(), m.n.DB, from, a.After, m.now())
	if err != nil {
		return err
	}
	var all passages
	for _, o := range list {
		p, err := m.passage(r.Context(), o)
		if err != nil {
			return err
		}
		all.People = append(all.People, p)
		all.Next = o.id
	}
	if len(list) < page {
		all.Next = ""
	}
	return peer.WriteJSON(w, all)
}

func (m endpoints) serveDone(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var d done
	if err := peer.ReadJSON(r, &d); err != nil {
		return err
	}
	leaving := departure(m)
	if err := leaving.depart(r.Context(), from, d); err != nil {
		return err
	}
	if err := m.Tell(r.Context()); err != nil {
		m.n.Log.Warn("the logbook does not say yet that somebody moved", "error", err) // the job tries again
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
