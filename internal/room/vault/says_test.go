package vault

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
)

// How a member stands is a sentence in both languages, whoever was never heard
// included.
func TestHowAMemberStandsIsASentence(t *testing.T) {
	catalogue, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ago := core.At(now.Add(-10 * time.Second))
	for lang, want := range map[string][]string{
		"fr": {"ne répond plus depuis 10\u00a0s", "pas encore entendu", "sans nouvelles, dernier signe il y a 10\u00a0s", "b\u00a0: pas encore entendu\u00a0; on ignore s'il est là"},
		"en": {"fails, for 10\u00a0s now", "not heard yet", "last heard 10\u00a0s ago", "b: not heard yet; whether it is there is not known"},
	} {
		p := catalogue.Printer(lang)
		got := append([]string{
			health.At{Since: ago}.Says(p, now), health.At{}.Says(p, now), health.At{Heard: ago}.Says(p, now),
		}, silentWords(p, []health.Silent{{Member: "b"}}, now)...)
		for i, text := range got {
			if text != want[i] {
				t.Errorf("%s: %q, want %q", lang, text, want[i])
			}
		}
	}
	for lang, want := range map[string]string{
		"fr": "supporte la perte de 0 membre de plus (au moins 1 lieu)", "en": "survives the loss of 0 more members (at least 1 place)",
	} {
		if text := catalogue.Printer(lang).T("vault.status.losses", args{"Count": 0, "Domains": 1}); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
}

// A member that refused, then failed and answered, and then takes what we send has
// stopped refusing.
func TestWhoTakesAgainNoLongerRefuses(t *testing.T) {
	w := newWorld(t, 2)
	id, now := w.members[0].id, core.At(time.Now())
	w.room.pool.Bad(t.Context(), catalogue.Trouble{Member: id, Kind: catalogue.TroubleRefused})
	w.room.pool.Bad(t.Context(), catalogue.Trouble{Member: id, Kind: catalogue.TroubleUnreachable})
	w.room.pool.Good(t.Context(), id)
	w.room.pool.Now = func() time.Time { return now.Time().Add(2 * time.Minute) }
	w.room.pool.Accepted(t.Context(), id, 1)
	all, err := w.room.store.Troubles.Since(t.Context(), 0)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, trouble := range all {
		if trouble.Over == 0 {
			t.Errorf("%s goes on", trouble.Kind)
		}
	}
}
