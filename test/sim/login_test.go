package sim

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/trusttest"
)

const (
	villagers = 10
	deadDays  = 7
)

// TestEverybodySignsInEverywhere: ten hosters that follow one charter, and set nothing up
// between each other. People of each sign in at the service of each other one; while the two
// that founded it are dead for a week, nobody else notices; who is expelled is out after one
// exchange of logbooks; who is shut has no session left.
func TestEverybodySignsInEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, villagers)
		defer v.end()
		v.collective()
		v.people()
		v.settle(10*time.Minute, 2)
		all := v.pairs("all of them", v.hosters)
		v.founderless()
		v.expelled(v.hosters[villagers-1])
		v.shut(v.hosters[2], v.hosters[3])
		t.Logf("%d pairs of %d hosters signed in, with no configuration between them", all, villagers)
	})
}

// collective: two found a charter with `login`; the others are introduced to them, join and
// are vouched for. Nothing else is ever said between two of the others.
func (v *village) collective() {
	t := v.t
	ctx := t.Context()
	first, second := v.hosters[0], v.hosters[1]
	meet := func(host, guest *hoster) {
		in, err := host.trust.Members.Invite(ctx, time.Hour)
		trusttest.OK(t, err)
		_, err = guest.trust.Members.Add(ctx, in.Address, in.Code)
		trusttest.OK(t, err)
	}
	time.Sleep(time.Minute) // requests of the second a node starts in are refused
	meet(first, second)
	id, err := first.trust.Collectives.Found(ctx, collective.CharterDraft{
		Name: "Les Portées", Text: "Nous nous entraidons.", Others: []core.MemberID{second.id}, Grants: []core.Grant{{Kind: home.KindLogin}},
	})
	trusttest.OK(t, err)
	for _, h := range v.hosters[2:] {
		meet(first, h)
		meet(second, h)
	}
	v.settle(10*time.Minute, 3)
	for _, h := range v.hosters[1:] {
		_, err := h.trust.Collectives.Join(ctx, id)
		trusttest.OK(t, err)
	}
	for _, h := range v.hosters[2:] {
		trusttest.OK(t, first.trust.Members.Vouch(ctx, h.id))
		trusttest.OK(t, second.trust.Members.Vouch(ctx, h.id))
	}
	for round := 1; ; round++ {
		v.settle(3*time.Minute, 1)
		if v.known() {
			t.Logf("everybody knows everybody as a home after %d rounds", round)
			return
		}
		if round > 20 {
			for _, h := range v.hosters {
				in, err := h.ids.Homes.Letting(ctx)
				t.Logf("%s lets in %d, %v", h.id, len(in), err)
			}
			t.Fatal("not everybody knows everybody")
		}
	}
}

// known says whether everybody lets everybody in, and knows that they do.
func (v *village) known() bool {
	for _, h := range v.hosters {
		in, err := h.ids.Homes.Letting(v.t.Context())
		trusttest.OK(v.t, err)
		out, err := h.trust.Lenders(v.t.Context(), home.KindLogin)
		trusttest.OK(v.t, err)
		if len(in) != len(v.hosters)-1 || len(out) != len(v.hosters)-1 {
			return false
		}
	}
	return true
}

// pairs signs the person of each in at the service of each other one, and says how many
// sign-ins that were.
func (v *village) pairs(what string, among []*hoster) int {
	v.t.Helper()
	tried, failed := 0, 0
	for _, from := range among {
		for _, at := range among {
			if from == at {
				continue
			}
			tried++
			if err := v.signsIn(from, at); err != nil {
				failed++
				v.t.Errorf("%s: ana of %s at %s: %v", what, from.id, at.id, err)
			}
		}
	}
	if failed > 0 {
		v.t.Fatalf("%s: %d of %d sign-ins failed", what, failed, tried)
	}
	return tried
}

// signsIn sends a person from another hoster's service home and back, and signs her out there
// again, so that the next time is not spared the way.
func (v *village) signsIn(from, at *hoster) error {
	v.t.Helper()
	time.Sleep(5 * time.Second)
	_, err := v.enters(from, at)
	if err == nil {
		b := from.person
		v.send(b, v.open(b, "http://"+string(at.id)+"/sign-out"), "")
	}
	return err
}

// enters is a whole sign-in of a person at another hoster's service, and its access token.
func (v *village) enters(from, at *hoster) (token string, err error) {
	v.t.Helper()
	b, verifier := from.person, oauth2.GenerateVerifier()
	page := v.open(b, at.app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	if page.URL.Path == "/sign-in" {
		page = v.open(b, "http://"+string(at.id)+"/sign-in/elsewhere?"+page.URL.RawQuery)
		if page, err = b.Send(v.t.Context(), page, "/sign-in/elsewhere", map[string]string{"home": string(from.id)}); err != nil {
			return "", err
		}
	}
	if page.URL.Path == "/sign-in/consent" {
		page = v.send(b, page, "/sign-in/consent")
	}
	code := page.URL.Query().Get("code")
	if page.URL.Host != backHost || code == "" {
		return "", fmt.Errorf("came to %s: %d %.200s", page.URL, page.Status, page.Text())
	}
	tokens, err := at.app.Exchange(v.t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", err
	}
	if status := v.userinfo(at, tokens.AccessToken); status != http.StatusOK {
		return "", fmt.Errorf("userinfo: %d", status)
	}
	return tokens.AccessToken, nil
}

func (v *village) userinfo(at *hoster, token string) int {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, "http://"+string(at.id)+"/oidc/userinfo", nil)
	trusttest.OK(v.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	trusttest.OK(v.t, err)
	trusttest.OK(v.t, answer.Body.Close())
	return answer.StatusCode
}

// founderless: both founders, who introduced and vouched for everybody, are dead for a week.
func (v *village) founderless() {
	v.t.Helper()
	v.hosters[0].away, v.hosters[1].away = true, true
	tried, left := 0, v.hosters[2:]
	for day := range deadDays {
		v.settle(24*time.Hour, 4)
		if day == 0 || day == deadDays-1 {
			tried += v.pairs("without the founders", left)
			continue
		}
		from := left[day%len(left)]
		for _, at := range left {
			if at == from {
				continue
			}
			tried++
			if err := v.signsIn(from, at); err != nil {
				v.t.Fatalf("day %d without the founders: ana of %s at %s: %v", day, from.id, at.id, err)
			}
		}
	}
	v.t.Logf("the founders dead for %d days: %d sign-ins, none failed", deadDays, tried)
	v.hosters[0].away, v.hosters[1].away = false, false
	v.settle(time.Hour, 3)
}

// urgent is how long an expulsion may take to be everywhere.
const urgent = 3 * time.Minute

// expelled: those who vouched for a member take it back.
func (v *village) expelled(who *hoster) {
	v.t.Helper()
	ctx := v.t.Context()
	others := v.hosters[:villagers-1]
	held := map[*hoster]string{}
	for _, at := range others {
		token, err := v.enters(who, at)
		trusttest.OK(v.t, err)
		held[at] = token
	}
	for _, h := range v.hosters[:2] {
		trusttest.OK(v.t, h.trust.Members.Unvouch(ctx, who.id))
	}
	v.settle(urgent, 1)
	for _, at := range others {
		if status := v.userinfo(at, held[at]); status != http.StatusUnauthorized {
			v.t.Errorf("%s: a token of the expelled member's person: %d", at.id, status)
		}
		if _, err := v.enters(who, at); err == nil {
			v.t.Errorf("%s lets the expelled member's person in", at.id)
		}
	}
	v.t.Logf("%s expelled: refused at %d hosters after one round", who.id, len(others))
}

// shut: one hoster shuts a home; its visitor there has no session left, and comes in nowhere
// else the less.
func (v *village) shut(by, whom *hoster) {
	v.t.Helper()
	token, err := v.enters(whom, by)
	trusttest.OK(v.t, err)
	trusttest.OK(v.t, by.ids.Homes.Close(v.t.Context(), whom.id, "spam", func(ctx context.Context, q db.Querier, v home.Visitor) error {
		return by.ids.People.Out(ctx, q, v.Person)
	}))
	if status := v.userinfo(by, token); status != http.StatusUnauthorized {
		v.t.Errorf("a token of a shut home's person: %d", status)
	}
	if page := v.open(whom.person, "http://"+string(by.id)+"/account"); page.URL.Path == "/account" {
		v.t.Errorf("a visitor of a shut home is signed in: %s", page.Text())
	}
	if _, err := v.enters(whom, by); err == nil {
		v.t.Error("a shut home's person comes in")
	}
	if err := v.signsIn(whom, v.hosters[4]); err != nil {
		v.t.Errorf("shut at one, out at another: %v", err)
	}
}
