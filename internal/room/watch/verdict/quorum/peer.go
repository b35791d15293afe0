package quorum

import (
	"context"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch/verdict"
)

// Where members ask and tell.
// spec: docs/spec/watch.md#requests
const (
	votePath    = "/ec/v1/watch/vote"
	verdictPath = "/ec/v1/watch/verdict"
	alivePath   = "/ec/v1/watch/alive"
	// maxNews bounds a certificate, in bytes.
	maxNews = 24 << 10
)

// Routes are what other members call.
func (e *Engine) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "POST " + votePath, Digest: true, MaxBody: 4 << 10, Handle: e.serveVote},
		{Pattern: "POST " + verdictPath, Digest: true, MaxBody: maxNews, Handle: e.serveVerdict},
		{Pattern: "GET " + alivePath, Handle: func(w http.ResponseWriter, _ *http.Request, _ core.MemberID) error {
			return peer.WriteJSON(w, struct{}{})
		}},
	}
}

func (e *Engine) serveVote(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var a verdict.Ask
	if err := peer.ReadJSON(r, &a); err != nil {
		return err
	}
	v, err := e.Answer(r.Context(), from, a)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, v)
}

func (e *Engine) serveVerdict(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var n News
	if err := peer.ReadJSON(r, &n); err != nil {
		return err
	}
	if err := n.Certificate.Form(); err != nil {
		return err
	}
	if err := e.Hear(r.Context(), from, n); err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

// Sender is the part of peer.Client that Client needs.
type Sender interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Client is Calls over the network.
type Client struct{ Sender }

// Vote implements Calls.
func (c Client) Vote(ctx context.Context, to core.MemberID, a verdict.Ask) (verdict.Vote, error) {
	var v verdict.Vote
	err := c.JSON(ctx, to, http.MethodPost, votePath, a, &v)
	return v, err
}

// Tell implements Calls.
func (c Client) Tell(ctx context.Context, to core.MemberID, n News) error {
	return c.JSON(ctx, to, http.MethodPost, verdictPath, n, nil)
}

// Alive implements Calls.
func (c Client) Alive(ctx context.Context, to core.MemberID) error {
	return c.JSON(ctx, to, http.MethodGet, alivePath, nil, nil)
}
