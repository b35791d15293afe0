package legacy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
)

// scopeAccounts is the box that opens what a hoster left of its accounts.
const scopeAccounts = "data:" + Accounts

// PathEstate is where the successor of a dead home shows why it is.
const PathEstate = "/ec/v1/identity/move/estate"

// maxEvidence bounds what a successor shows of the custodians, in bytes.
const maxEvidence = 128 << 10

// Custodians knows which boxes were opened.
type Custodians interface {
	// Opened is the id of our newest ask by which the box of a member was opened, and what shows
	// others that its holders let it go. Returns CodeNotFound.
	Opened(ctx context.Context, owner core.MemberID, scope string) (ask string, evidence []byte, err error)
	// Released checks what asker shows, and returns the ask and when it was made. Returns
	// CodeDenied for what does not hold, CodeUnsure while the logbooks here do not say it.
	Released(ctx context.Context, asker, owner core.MemberID, scope string, evidence []byte) (ask string, made core.Moment, err error)
}

// Book is what is needed of the logbooks.
type Book interface {
	// Member says when a member showed signs of life. Returns CodeNotFound for a stranger.
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
}

// Calls asks members; peer.Client is one.
type Calls interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Accounts is the name of the service that our accounts are to successors.
const Accounts = "accounts"

// Successions knows who was named to take services over; nobody else's room is asked.
type Successions interface {
	// Successors lists whom an owner names for a service now, first choice first.
	Successors(ctx context.Context, owner core.MemberID, service string) ([]core.MemberID, error)
	// Settled says whether a member was named long enough to act without the owner.
	Settled(ctx context.Context, owner, member core.MemberID, service string) (bool, error)
}

// Estates are the accounts of dead homes. All fields are required.
type Estates struct {
	DB    *db.DB
	Self  core.MemberID
	Book  Book
	Calls Calls
	// Successions and Custodians are other rooms; false where there is none.
	Successions func() (Successions, bool)
	Custodians  func() (Custodians, bool)
}

// Refuse is CodeDenied "identity.move.refused", for what a dead home's successor may not.
func Refuse(owner core.MemberID, err error) error {
	return core.Denied("identity.move.refused", err).With("Member", string(owner))
}

// Of is the estate of a home for a successor, by an ask of the custodians; "" = our newest, where we
// are the successor. All of it holds: the successor is settled, the custodians let the accounts go
// to it, and the home gave no sign of life since it asked them.
func (m Estates) Of(ctx context.Context, owner, heir core.MemberID, ask string) (Estate, error) {
	if err := m.settled(ctx, owner, heir); err != nil {
		return Estate{}, err
	}
	e, found, err := estateOf(ctx, m.DB, owner, heir)
	if err != nil {
		return e, err
	}
	kept := found && e.Ask == ask
	if !kept {
		if e, err = m.shown(ctx, owner, heir); err != nil {
			return e, err
		}
	}
	if ask != "" && e.Ask != ask {
		return e, Refuse(owner, fmt.Errorf("shown is the ask %s", e.Ask))
	}
	if err := m.silent(ctx, owner, e.Asked); err != nil || kept {
		return e, err
	}
	return e, putEstate(ctx, m.DB, e)
}

func (m Estates) settled(ctx context.Context, owner, heir core.MemberID) error {
	rooms, ok := m.Successions()
	if !ok {
		return Refuse(owner, errors.New("nobody here knows successors"))
	}
	is, err := rooms.Settled(ctx, owner, heir, Accounts)
	if err == nil && !is {
		err = core.Denied("identity.move.not_settled", errors.New("not named, or not for 30 days")).With("Member", string(owner)).With("Heir", string(heir))
	}
	return err
}

// silent refuses a home that gave a sign of life since a moment: it is alive.
func (m Estates) silent(ctx context.Context, owner core.MemberID, since core.Moment) error {
	seen, err := m.Book.Member(ctx, owner)
	if err == nil && seen.Heard >= since {
		err = core.Denied("identity.move.alive", errors.New("its logbook goes on")).With("Member", string(owner))
	}
	return err
}

// evidence is what a successor answers about a dead home.
type evidence struct {
	Home     core.MemberID `json:"home"`
	Evidence []byte        `json:"evidence,omitempty"`
}

// shown asks a successor for what shows that the custodians let the accounts go, and checks it.
func (m Estates) shown(ctx context.Context, owner, heir core.MemberID) (e Estate, err error) {
	rooms, ok := m.Custodians()
	if !ok {
		return e, Refuse(owner, errors.New("nobody here knows custodians"))
	}
	e = Estate{Home: owner, Heir: heir}
	if heir == m.Self {
		if _, e.evidence, err = rooms.Opened(ctx, owner, scopeAccounts); err != nil {
			return e, err
		}
	} else {
		var answer evidence
		if err := m.Calls.JSON(ctx, heir, http.MethodPost, PathEstate, evidence{Home: owner}, &answer); err != nil {
			return e, err
		}
		if e.evidence = answer.Evidence; len(e.evidence) > maxEvidence {
			return e, Refuse(owner, fmt.Errorf("%d bytes", len(e.evidence)))
		}
	}
	e.Ask, e.Asked, err = rooms.Released(ctx, heir, owner, scopeAccounts, e.evidence)
	return e, err
}

// Serve shows a member what we have of a dead home whose accounts we took over.
func (m Estates) Serve(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var a evidence
	if err := peer.ReadJSON(r, &a); err != nil {
		return err
	}
	e, found, err := estateOf(r.Context(), m.DB, a.Home, m.Self)
	if err == nil && !found {
		err = core.NotFound("identity.move.no_estate", errors.New("not taken over")).With("Member", string(a.Home))
	}
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, evidence{a.Home, e.evidence})
}

// First refuses to take over what another successor did.
func (m Estates) First(ctx context.Context, owner core.MemberID) error {
	all, err := HeirsOf(ctx, m.DB, owner)
	if err != nil {
		return err
	}
	for _, heir := range slices.DeleteFunc(all, func(h core.MemberID) bool { return h == m.Self }) {
		switch err := m.settled(ctx, owner, heir); core.CodeOf(err) {
		case "":
			return core.Conflict("identity.move.other_heir", errors.New("another successor was first")).With("Member", string(owner)).With("Heir", string(heir))
		case core.CodeDenied: // who may not says nothing
		default:
			return err
		}
	}
	return nil
}
