package paper

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
)

// The kinds of entries.
const (
	TypeHandoverSaid = "entrechat/handover/1"
	TypeMoved        = "entrechat/moved/1"
	TypeErased       = "entrechat/erased/1"
	TypeChoices      = "entrechat/choices/1"
	TypeNoticeSaid   = "entrechat/succession-notice/1"
)

// Types are all that are read, also those that others write.
func Types() []string {
	return []string{TypeHandoverSaid, TypeMoved, TypeErased, TypeChoices, TypeNoticeSaid, TypeRescue, TypeRescueEnd}
}

// Entries are the kinds that are written here, with what each says.
func Entries() map[string]string {
	return map[string]string{
		TypeHandoverSaid: "succession.paper.entry_handover", TypeMoved: "succession.paper.entry_moved", TypeErased: "succession.paper.entry_erased",
		TypeChoices: "succession.paper.entry_choices", TypeNoticeSaid: "succession.paper.entry_notice",
	}
}

// HandoverSaid is what both sides of a handover log.
type HandoverSaid struct {
	Handover string `json:"handover"`
}

// Moved is what an adopter counted; numbers of the rows of the handover's table.
type Moved struct {
	Handover string `json:"handover"`
	Kept     int64  `json:"kept"`
	Archived int64  `json:"archived"`
	Lost     int64  `json:"lost"`
}

// Erased is what an owner says it erased. It is a claim, not a proof.
type Erased struct {
	Service  string      `json:"service"`
	Handover string      `json:"handover,omitempty"`
	What     []string    `json:"what"` // "files", "database", "backups"
	At       core.Moment `json:"at_us"`
}

// Choices are how many people chose what.
type Choices struct {
	Service  string `json:"service"`
	Handover int64  `json:"handover"`
	Archive  int64  `json:"archive"`
	Erase    int64  `json:"erase"`
	Root     string `json:"root"` // hex, of the tree of all choices
}

// Total is how many people there are.
func (c Choices) Total() int64 { return c.Handover + c.Archive + c.Erase }

// NoticeSaid names the owner's notice for a service; none takes it back.
type NoticeSaid struct {
	Service string `json:"service"`
	Notice  string `json:"notice,omitempty"` // id
}

// Said is an entry as it is kept.
type Said struct {
	Member core.MemberID
	Index  int64
	Typ    string
	Body   []byte
	At     core.Moment
}

// body is an entry that can be kept.
type body interface {
	subject() string // what it is about; empty = it says nothing
}

func (b HandoverSaid) subject() string { return onlyID(b.Handover) }

func (b Moved) subject() string {
	if min(b.Kept, b.Archived, b.Lost) < 0 {
		return ""
	}
	return onlyID(b.Handover)
}

func (b Erased) subject() string {
	if len(b.What) == 0 || len(b.What) > 8 || slices.ContainsFunc(b.What, func(w string) bool { return !promise.ValidService(w) }) || b.Handover != "" && !stage.ValidID(b.Handover) {
		return ""
	}
	return onlyService(b.Service)
}

func (c Choices) subject() string {
	if min(c.Handover, c.Archive, c.Erase) < 0 || c.Total() > 1<<40 || !stage.ValidID(c.Root) {
		return ""
	}
	return onlyService(c.Service)
}

func (b NoticeSaid) subject() string {
	if b.Notice != "" && !stage.ValidID(b.Notice) {
		return ""
	}
	return onlyService(b.Service)
}

func onlyID(id string) string {
	if stage.ValidID(id) {
		return id
	}
	return ""
}

func onlyService(name string) string {
	if promise.ValidService(name) {
		return name
	}
	return ""
}

// reads takes an entry apart; false for what says nothing.
func reads(e logbook.Entry) (subject string, ok bool) {
	var b body
	switch e.Typ {
	case TypeHandoverSaid:
		b = peek[HandoverSaid](e.Body)
	case TypeMoved:
		b = peek[Moved](e.Body)
	case TypeErased:
		b = peek[Erased](e.Body)
	case TypeChoices:
		b = peek[Choices](e.Body)
	case TypeNoticeSaid:
		b = peek[NoticeSaid](e.Body)
	case TypeRescue, TypeRescueEnd:
		b = peek[Rescue](e.Body)
	default:
		return "", false
	}
	subject = b.subject()
	return subject, subject != ""
}

// peek is the body, or nothing.
func peek[T body](text []byte) (v T) {
	var read T
	if wire.Peek(text, &read) == nil {
		v = read
	}
	return v
}

// Read keeps an entry of ours or of another member.
func (p *Papers) Read(ctx context.Context, e logbook.Entry) error {
	subject, ok := reads(e)
	if !ok {
		return nil
	}
	return putSaid(ctx, p.DB, Said{e.Log, e.Index, e.Typ, e.Body, e.Iat}, subject)
}

// last is the last entry of a kind by a member about a subject; ok is false for none.
func last[T body](ctx context.Context, q db.Querier, member core.MemberID, typ, subject string) (v T, at core.Moment, ok bool, err error) {
	all, err := said(ctx, q, member, typ, subject)
	if err != nil || len(all) == 0 {
		return v, 0, false, err
	}
	s := all[len(all)-1]
	return peek[T](s.Body), s.At, true, nil
}

// Counted is what an owner said last of what people chose.
func (p *Papers) Counted(ctx context.Context, owner core.MemberID, service string) (c Choices, at core.Moment, ok bool, err error) {
	return last[Choices](ctx, p.DB, owner, TypeChoices, service)
}

// Erased is what an owner said last that it erased.
func (p *Papers) Erased(ctx context.Context, owner core.MemberID, service string) (e Erased, ok bool, err error) {
	e, _, ok, err = last[Erased](ctx, p.DB, owner, TypeErased, service)
	return e, ok, err
}

// Moved is what the adopter of a handover said last that it counted.
func (p *Papers) Moved(ctx context.Context, h Handover) (m Moved, ok bool, err error) {
	m, _, ok, err = last[Moved](ctx, p.DB, h.To, TypeMoved, h.ID)
	return m, ok, err
}

// Namers lists who logged a handover, sorted: its two sides, and whoever lies.
func (p *Papers) Namers(ctx context.Context, handover string) ([]core.MemberID, error) {
	all, err := said(ctx, p.DB, "", TypeHandoverSaid, handover)
	out := make([]core.MemberID, 0, len(all))
	for _, s := range all {
		out = append(out, s.Member)
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// NoticeID is the notice that an owner has for a service now; empty = none.
func (p *Papers) NoticeID(ctx context.Context, owner core.MemberID, service string) (string, error) {
	n, _, _, err := last[NoticeSaid](ctx, p.DB, owner, TypeNoticeSaid, service)
	return n.Notice, err
}
