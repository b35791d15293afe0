package provider

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// claims is what a client is told of a person, by the scopes it has. The username and the
// address are those it was told first.
func (a account) claims(scopes string) map[string]any {
	out := map[string]any{}
	list := strings.Fields(scopes)
	if slices.Contains(list, scopeProfile) {
		name := a.Name
		if name == "" {
			name = a.Handle
		}
		out["preferred_username"], out["nickname"], out["name"] = a.username, a.username, name
		if a.Lang != "" {
			out["locale"] = a.Lang
		}
	}
	if slices.Contains(list, scopeEmail) && a.told != "" {
		out["email"], out["email_verified"] = a.told, true
	}
	if groups := a.Groups; slices.Contains(list, scopeProfile) || slices.Contains(list, scopeGroups) {
		if groups == nil {
			groups = []string{}
		}
		out["groups"] = groups
	}
	return out
}

// idTokenClaims are the person's claims and how they signed in: many services read nothing
// but the ID token.
func (p manager) idTokenClaims(ctx context.Context, g *goidc.Grant) map[string]any {
	k, f := workOf(ctx), factsOf(g.Store)
	out := map[string]any{"auth_time": int64(f.At / 1e6), "acr": ACROne, "azp": g.ClientID}
	if k.account != nil {
		out = with(k.account.claims(g.Scopes), out)
	}
	if k.client.Member {
		delete(out, "groups")
		if k.account != nil && len(k.account.Moves) > 0 {
			out["moved_from"] = k.account.Moves
		}
	}
	if len(f.AMR) > 0 {
		out["amr"] = f.AMR
	}
	if slices.Contains(f.AMR, "mfa") {
		out["acr"] = ACRTwo
	}
	if f.SID != "" {
		out["sid"] = f.SID
	}
	return out
}

func with(a, b map[string]any) map[string]any {
	maps.Copy(a, b)
	return a
}

func (p manager) userinfoClaims(ctx context.Context, g *goidc.Grant) map[string]any {
	k := workOf(ctx)
	if k.account == nil {
		return nil
	}
	out := k.account.claims(g.Scopes)
	if k.client.Member {
		delete(out, "groups")
	}
	return out
}

// tokenClaims are what a service that asks about a token is told beside it: Dovecot finds
// the mailbox by it.
func (p manager) tokenClaims(ctx context.Context, _ *goidc.Token, g *goidc.Grant) map[string]any {
	k := workOf(ctx)
	if k.account == nil {
		return nil
	}
	out := map[string]any{"username": k.account.username}
	if slices.Contains(strings.Fields(g.Scopes), scopeEmail) && k.account.told != "" {
		out["email"] = k.account.told
	}
	return out
}
