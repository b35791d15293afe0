package rescue

import (
	"context"
	"encoding/json"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/snapshot"
)

// saidEnd is the body of the entry that a service is readable here no more.
type saidEnd struct {
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	Why     string        `json:"why"` // asked, until
}

// Report is what an owner gets who comes back: what was opened when, and how much was read.
type Report struct {
	record.Rescue

	Counts  []record.Counted `json:"counts"`  // of all services of the owner
	Visited int64            `json:"visited"` // people who came in
	Change  []string         `json:"change"`  // words keys of what to change
}

// Show is one rescue with what was read. Returns CodeNotFound.
func (s *Service) Show(ctx context.Context, owner core.MemberID, service string) (r Report, err error) {
	if r.Rescue, err = s.Records.Get(ctx, owner, service); err != nil {
		return r, err
	}
	r.Counts, r.Visited, err = s.Records.Counts(ctx, owner)
	if r.Counts == nil {
		r.Counts = []record.Counted{}
	}
	r.Change = []string{"pointer", "box", "passwords"}
	return r, err
}

// Close ends a rescue: nobody comes in or reads any more. Its data stay until Erase. Closed again
// it changes nothing.
func (s *Service) Close(ctx context.Context, owner core.MemberID, service string) (Report, error) {
	r, err := s.Show(ctx, owner, service)
	if err != nil {
		return r, err
	}
	if r.State == record.Open {
		r.Rescue, err = s.end(ctx, r.Rescue, record.Asked)
	}
	return r, err
}

func (s *Service) end(ctx context.Context, one record.Rescue, why string) (record.Rescue, error) {
	one.State, one.EndedAt, one.Why = record.Ended, s.now(), why
	if err := s.Records.Put(ctx, one); err != nil {
		return one, err
	}
	all, err := s.Records.List(ctx, one.Owner)
	if err != nil {
		return one, err
	}
	others := false
	for _, o := range all {
		others = others || o.State == record.Open
	}
	if !others {
		if err := s.Doors.End(ctx, one.Owner, ""); err != nil {
			return one, err
		}
	}
	if err := s.refresh(ctx, one.Owner); err != nil {
		return one, err
	}
	return one, s.n.said(ctx, TypeEnd, saidEnd{one.Owner, one.Service, why})
}

// EndDue ends the rescues whose day has come.
func (s *Service) EndDue(ctx context.Context) error {
	all, err := s.Records.List(ctx, "")
	for _, one := range all {
		if err == nil && one.State == record.Open && one.Until <= s.now() {
			_, err = s.end(ctx, one, record.Until)
		}
	}
	return err
}

// Erase removes all data of a rescue that has ended, or was never shown. Returns CodeConflict
// "succession.rescue.still_open", or "succession.rescue.running" while it is being opened.
func (s *Service) Erase(ctx context.Context, owner core.MemberID, service string) error {
	if _, err := s.Records.Get(ctx, owner, service); err != nil {
		return err // no such rescue, and no folder of it to lock
	}
	lock, err := alone(s.Records.Folder(owner, service), service)
	if err != nil {
		return err // it is being opened: that would bring it all back
	}
	defer lock.Close() //nolint:errcheck // nothing is written
	one, err := s.Records.Get(ctx, owner, service)
	if err != nil {
		return err
	}
	if one.State == record.Open {
		return core.Conflict("succession.rescue.still_open", errors.New("open")).With("Service", service).With("Member", string(owner))
	}
	if err := snapshot.Remove(s.Records.Folder(owner, service)); err != nil {
		return err
	}
	one.State = record.Erased
	return s.Records.Put(ctx, one)
}

// TypeReceipt is the payload type of what a person gets whose data were erased. Nobody but they
// keeps it.
const TypeReceipt = "application/vnd.entrechat.rescue-erased.v1+json"

type receipt struct {
	V        int              `json:"v"` // 1
	Owner    core.MemberID    `json:"owner"`
	By       core.MemberID    `json:"by"`
	Accounts []record.Account `json:"accounts"`
	Files    int64            `json:"files"`
	Bytes    int64            `json:"bytes"`
	At       core.Moment      `json:"at_us"`
}

// receipt signs what was erased for somebody.
func (s *Service) receipt(owner core.MemberID, gone record.Gone) (string, error) {
	if gone.Accounts == nil {
		gone.Accounts = []record.Account{}
	}
	payload, err := wire.Encode(receipt{1, owner, s.self(), gone.Accounts, gone.Files, gone.Bytes, s.now()})
	if err != nil {
		return "", err
	}
	doc, err := seal.SignDoc(TypeReceipt, payload, s.n.Signer)
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(doc, "", " ")
	return string(payload) + "\n\n" + string(text), err
}
