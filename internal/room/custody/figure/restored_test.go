package figure

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/reedsolomon"

	"entrechat/internal/room/custody/share"
)

// hoster is a member whose words are dealt to some, and whose backup lies in shards at
// others. What it holds for them is lost with it, and comes back with its backup.
type hoster struct {
	id          Holder
	deal        share.ID
	commitments share.Commitments
	words       share.Secret
	k           int // shares, and shards, that are needed
	keepers     []Holder
	backup      []byte
	stores      []Holder
	shares      map[Holder]share.Share // what it holds, by owner
	shards      map[Holder][]byte
}

// TestEveryPairRestored: six members whose shares and shards are crossed; each pair of them is
// lost, and brought back by real shares and real shards as far as these go. Who is there in
// the end is who was predicted. Scenario 13 of the founding report, without the network.
func TestEveryPairRestored(t *testing.T) {
	source := rand.New(rand.NewPCG(15, 2026))
	gone := 0
	for circle := range 20 {
		k := 2 + circle%3
		all := circleOf(t, source, k)
		nodes := make([]Node, 0, len(all))
		for _, h := range all {
			nodes = append(nodes, Node{ID: h.id, Needs: []Need{{h.k, h.keepers}, {h.k, h.stores}}})
		}
		for pair := range combinations(len(all), 2) {
			lost := []Holder{all[pair[0]].id, all[pair[1]].id}
			want, got := Survivors(nodes, lost), restore(t, all, lost)
			if !slices.Equal(want, got) {
				t.Errorf("circle %d, %v lost: %v were predicted, %v came back", circle, lost, want, got)
			}
			gone += len(all) - len(got)
		}
	}
	if gone == 0 {
		t.Error("nobody was ever lost for good: the circles prove nothing")
	}
}

// circleOf deals the words of six members, and shards their backups, among random others.
func circleOf(t *testing.T, source *rand.Rand, k int) []*hoster {
	t.Helper()
	all := make([]*hoster, 6)
	for i := range all {
		all[i] = &hoster{id: Holder(fmt.Sprint("member ", i)), k: k, shares: map[Holder]share.Share{}, shards: map[Holder][]byte{}}
	}
	for i, h := range all {
		others := slices.Delete(slices.Clone(all), i, i+1)
		source.Shuffle(len(others), func(a, b int) { others[a], others[b] = others[b], others[a] })
		var err error
		if h.deal, err = share.NewID(); err != nil {
			t.Fatal(err)
		}
		if h.words, err = share.New(); err != nil {
			t.Fatal(err)
		}
		shares, commitments, err := h.words.Split(h.deal, k, k+1)
		if err != nil {
			t.Fatal(err)
		}
		h.commitments = commitments
		for j, s := range shares[source.IntN(2):] { // of some, one share is lost already
			others[j].shares[h.id] = s
			h.keepers = append(h.keepers, others[j].id)
		}
		source.Shuffle(len(others), func(a, b int) { others[a], others[b] = others[b], others[a] })
		h.backup = bytes.Repeat([]byte(h.id), 100)
		code, err := reedsolomon.New(k, 1)
		if err != nil {
			t.Fatal(err)
		}
		shards, err := code.Split(h.backup)
		if err != nil {
			t.Fatal(err)
		}
		if err := code.Encode(shards); err != nil {
			t.Fatal(err)
		}
		for j, s := range shards {
			others[j].shards[h.id] = s
			h.stores = append(h.stores, others[j].id)
		}
	}
	return all
}

// restore brings back who can be, one after the other, and says who is there in the end.
func restore(t *testing.T, all []*hoster, lost []Holder) []Holder {
	t.Helper()
	there := map[Holder]*hoster{}
	for _, h := range all {
		if !slices.Contains(lost, h.id) {
			there[h.id] = h
		}
	}
	for again := true; again; {
		again = false
		for _, h := range all {
			if there[h.id] == nil && h.comesBack(t, there) {
				there[h.id], again = h, true
			}
		}
	}
	var ids []Holder
	for _, h := range all {
		if there[h.id] != nil {
			ids = append(ids, h.id)
		}
	}
	return ids
}

// comesBack recovers the words from the shares that are there, and the backup from the
// shards.
func (h *hoster) comesBack(t *testing.T, there map[Holder]*hoster) bool {
	t.Helper()
	var shares []share.Share
	shards := make([][]byte, len(h.stores))
	for _, id := range h.keepers {
		if at := there[id]; at != nil {
			shares = append(shares, at.shares[h.id])
		}
	}
	for i, id := range h.stores {
		if at := there[id]; at != nil {
			shards[i] = at.shards[h.id]
		}
	}
	words, err := share.Recover(h.commitments, shares)
	if err != nil {
		return false
	}
	want, errWant := h.words.Recipient(h.deal)
	got, errGot := words.Recipient(h.deal)
	if errWant != nil || errGot != nil || want.String() != got.String() {
		t.Errorf("other words came back: %v %v", errWant, errGot)
	}
	code, err := reedsolomon.New(h.k, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := code.ReconstructData(shards); err != nil {
		return false
	}
	var backup bytes.Buffer
	if err := code.Join(&backup, shards, len(h.backup)); err != nil || !bytes.Equal(backup.Bytes(), h.backup) {
		t.Errorf("another backup came back: %v", err)
	}
	return true
}
