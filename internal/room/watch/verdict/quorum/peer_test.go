package quorum

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// pair is one node behind a real listener, with real keys: what it is wired with, and its
// keyring.
type pair struct {
	t      *testing.T
	url    string
	state  look.Class
	looks  int
	served []core.MemberID
}

func keyOf(m core.MemberID) seal.Signer {
	sum := sha256.Sum256([]byte(m))
	return seal.NewSigner(m, ed25519.NewKeyFromSeed(sum[:]))
}

func (p *pair) Keys(_ context.Context, m core.MemberID) ([]ed25519.PublicKey, error) {
	if !slices.Contains(p.served, m) {
		return nil, core.NotFound("logbook.unknown_member", fmt.Errorf("unknown"))
	}
	return []ed25519.PublicKey{keyOf(m).Public()}, nil
}

func (p *pair) URL(context.Context, core.MemberID) (string, error)    { return p.url, nil }
func (p *pair) Lenders(context.Context) ([]core.Lender, error)        { return nil, nil }
func (p *pair) Owners(context.Context) ([]verdict.Watched, error)     { return nil, nil }
func (p *pair) Known(context.Context) ([]core.MemberID, error)        { return p.served, nil }
func (p *pair) Place(context.Context, core.MemberID) (string, string) { return "", "" }
func (p *pair) Fit() schedule.Fitness                                 { return schedule.Fitness{Fit: true} }

func (p *pair) Vote(context.Context, core.MemberID, verdict.Ask) (verdict.Vote, error) {
	return verdict.Vote{}, errCut
}
func (p *pair) Tell(context.Context, core.MemberID, News) error { return nil }
func (p *pair) Alive(context.Context, core.MemberID) error      { return nil }
func (p *pair) Append(context.Context, string, []core.MemberID, core.Moment, any) (logbook.Entry, error) {
	return logbook.Entry{}, errCut
}

func (p *pair) Ask(context.Context, target.Target) (look.Result, bool) {
	p.looks++
	return look.Result{Class: p.state, Family: 6, Half: look.Fine, Leaf: [32]byte{5}, Latency: 20 * time.Millisecond}, true
}

// A call for a vote, and its answer, over the real thing: HTTPS between members, with
// their signatures, on a real database.
func TestVoteOverTheWire(t *testing.T) {
	const owner, ana, bo = core.MemberID("owner.test"), core.MemberID("ana.test"), core.MemberID("bo.test")
	p := &pair{t: t, state: look.HTTP5xx, served: []core.MemberID{owner, ana, bo}}
	log := slog.New(slog.DiscardHandler)
	tgt := target.Target{ID: "00000000000000aa", Owner: owner, Kind: target.HTTP, Every: time.Minute}
	e := New(Needs{
		DB: dbtest.SQLite(t, "watch", migrations.Files), Signer: keyOf(bo), Book: p, Looks: p, Members: p, Calls: p,
		Targets: func(context.Context) ([]target.Target, error) { return []target.Target{tgt}, nil },
		Changed: func(context.Context, verdict.Verdict, verdict.Verdict) error { return nil },
		Now:     time.Now, Log: log,
	})
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	body, err := wire.Encode(verdict.Roster{Month: "2026-11", Members: []verdict.Member{{Member: ana}, {Member: bo}}})
	if err != nil {
		t.Fatal(err)
	}
	entry := logbook.Entry{Log: owner, Typ: verdict.TypeRoster, Iat: core.At(time.Now()), Body: body, Hash: [32]byte{3}}
	if err := e.Readers()[0].Read(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	body, err = wire.Encode(verdict.Duty{Owners: []verdict.Watched{{Member: owner, Every: 60}}})
	if err != nil {
		t.Fatal(err)
	}
	unasked := verdict.Ask{
		Owner: owner, Target: tgt.ID, Roster: verdict.HexHash(entry.Hash), Nonce: strings.Repeat("cd", 16), Round: 1, At: core.At(time.Now()),
	}
	if _, err := e.Answer(t.Context(), ana, unasked); core.CodeOf(err) != core.CodeDenied || p.looks != 0 {
		t.Errorf("named by an owner that we promised nothing: %v, %d looks", err, p.looks)
	}
	duty := logbook.Entry{Log: bo, Typ: verdict.TypeDuty, Iat: core.At(time.Now()), Body: body, Hash: [32]byte{4}}
	if err := e.Readers()[0].Read(t.Context(), duty); err != nil {
		t.Fatal(err)
	}
	needs := func(id core.MemberID) peer.Needs {
		return peer.Needs{Signer: keyOf(id), Keyring: p, Private: true, Now: time.Now, Log: log}
	}
	server := httptest.NewServer(peer.NewHandler(needs(bo), e.Routes()))
	t.Cleanup(server.Close)
	p.url = server.URL
	client := peer.NewClient(needs(ana))
	t.Cleanup(client.CloseIdle)
	over := Client{client}
	if err := over.Alive(t.Context(), bo); err != nil {
		t.Fatal(err)
	}
	ask := verdict.Ask{
		Owner: owner, Target: tgt.ID, Roster: verdict.HexHash(entry.Hash), Nonce: strings.Repeat("ab", 16), Round: 1,
		Class: look.Timeout, At: core.At(time.Now()),
	}
	v, err := over.Vote(t.Context(), bo, ask)
	if err != nil || v.State != verdict.VoteDown || v.Class != look.HTTP5xx || v.Voter != bo || p.looks != 1 || v.Leaf == "" {
		t.Fatalf("%+v, %v", v, err)
	}
	if !seal.Holds(keyOf(bo).Public(), v.Text(ask.Of(ana)), v.Sig) || seal.Holds(keyOf(bo).Public(), v.Text(ask.Of(owner)), v.Sig) {
		t.Error("the vote is signed for this accuser, and for no other")
	}
	if _, err := over.Vote(t.Context(), bo, ask); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("again: %v", err)
	}
	stranger := peer.NewClient(needs("eve.test"))
	t.Cleanup(stranger.CloseIdle)
	if _, err := (Client{stranger}).Vote(t.Context(), bo, ask); err == nil || p.looks != 1 {
		t.Errorf("a stranger: %v, %d looks", err, p.looks)
	}
	for name, body := range map[string]any{
		"a member more": map[string]any{"entry": "", "certificate": verdict.Certificate{}, "more": 1},
		"no form":       News{}, "no object": []int{1}, "too long": map[string]string{"entry": strings.Repeat("x", maxNews)},
	} {
		if err := client.JSON(t.Context(), bo, "POST", verdictPath, body, nil); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	news := News{Certificate: verdict.Certificate{
		Case: ask.Of(ana), State: verdict.Down, At: ask.At, Votes: []verdict.Vote{v},
	}}
	if err := over.Tell(t.Context(), bo, news); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("one vote of two: %v", err)
	}
}
