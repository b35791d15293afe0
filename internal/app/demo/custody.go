package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/app/lab"
)

const (
	// keepers are as many as get a share of the words, enough as many as open the box.
	keepers, enough = 5, 3
	// noWait is what the deal has the holders wait: the demo has no 14 days.
	noWait = "0s"
)

// errOtherWords is what a box that gives other words ends the story with.
var errOtherWords = errors.New("the box gave other words than those that were dealt")

// keeping is the story while the custody chapter is told.
type keeping struct{ *story }

// keepers are the hosters that get a share. Both that the backup chapter loses are among them:
// three are left.
func (s keeping) keepers() []*lab.Node { return s.others()[:keepers] }

// file is on what the owner has left: a borrowed machine.
func (s keeping) file(name string) string { return filepath.Join(s.dir, "borrowed-"+name) }

// deal splits the owner's words among five others.
func (s keeping) deal(ctx context.Context) error {
	s.title("demo.custody", nil)
	return s.do("demo.deal", args{"Name": s.owner().Name, "Needed": enough, "Count": keepers}, func(func(string)) (string, error) {
		to := make([]string, 0, 2*keepers)
		for _, n := range s.keepers() {
			to = append(to, "--to", n.Name)
		}
		words := append([]string{"custody", "deal", "make", "root", "--needed", strconv.Itoa(enough), "--wait", noWait, "--file", s.owner().SeedFile(), "--lang", s.opt.Lang}, to...)
		out, err := s.dealt(ctx, words)
		return out + "\n" + s.words.T("demo.deal_note", nil), err
	})
}

// dealt makes the deal once all have told what their shares are to be encrypted to, and waits
// until it counts.
func (s keeping) dealt(ctx context.Context, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		out, err := s.owner().Run(ctx, words...)
		if err == nil {
			words = []string{"custody", "deal", "show", "root", "--lang", s.opt.Lang}
			var deal struct {
				State string `json:"state"`
			}
			if err = s.owner().RunJSON(ctx, &deal, "custody", "deal", "show", "root"); err == nil && deal.State == "standing" {
				return strings.TrimSpace(out), nil
			}
		}
		if late := pause(ctx); late != nil {
			return out, errors.Join(err, late)
		}
	}
}

// loseWords takes the owner's disk and the sheet with its words; the demo alone remembers them,
// to compare.
func (s keeping) loseWords(context.Context) error {
	s.title("demo.no_words", nil)
	owner := s.owner()
	return s.do("demo.burns", args{"Name": owner.Name}, func(func(string)) (string, error) {
		text, err := os.ReadFile(owner.SeedFile())
		s.dealtWords = string(text)
		owner.Kill()
		return "", errors.Join(err, os.RemoveAll(owner.Dir), os.Remove(owner.SeedFile()), os.RemoveAll(filepath.Join(s.dir, "restic-cache")))
	})
}

// asking is what `custody recover --json` answers, as far as it is told.
type asking struct {
	ID    string `json:"id"`
	Words string `json:"words"`
}

// recover runs `custody recover` with nothing but the owner's name and one member's address. It
// answers what it printed.
func (s keeping) recover(ctx context.Context, flags ...string) (string, error) {
	return s.owner().Run(ctx, append([]string{
		"custody", "recover", "--origin", s.owner().Name, "--from", s.alive()[0].URL(), "--allow-private",
		"--file", s.file("ask.json"), "--out", s.file("words.txt"),
	}, flags...)...)
}

// alive are the keepers that are there.
func (s keeping) alive() []*lab.Node {
	return slices.DeleteFunc(slices.Clone(s.keepers()), func(n *lab.Node) bool { return !n.Alive() })
}

// askForWords asks, and has three holders let their shares go.
func (s keeping) askForWords(ctx context.Context) error {
	var a asking
	if err := s.do("demo.asks", args{"Name": s.owner().Name, "From": s.alive()[0].Name}, func(func(string)) (string, error) {
		out, err := s.recover(ctx, "--lang", s.opt.Lang)
		if err != nil {
			return "", err
		}
		// The same command again goes on with the same ask.
		text, err := s.recover(ctx, "--json")
		if err == nil {
			err = json.Unmarshal([]byte(text), &a)
		}
		return strings.TrimSpace(out), err
	}); err != nil {
		return err
	}
	for _, n := range s.alive()[:enough] {
		if err := s.do("demo.releases", args{"Name": n.Name}, func(func(string)) (string, error) {
			if err := s.ready(ctx, n, a.ID); err != nil {
				return "", err
			}
			out, err := n.Run(ctx, "custody", "release", a.ID, "--heard", a.Words, "--yes", "--lang", s.opt.Lang)
			return strings.TrimSpace(out), err
		}); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until an ask is to be decided at a holder: everybody was told of it.
func (s keeping) ready(ctx context.Context, n *lab.Node, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var all []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		}
		if err := n.RunJSON(ctx, &all, "custody", "ask", "list"); err != nil {
			return err
		}
		for _, seen := range all {
			if seen.ID == id && seen.State == "ready" {
				return nil
			}
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("at %s: %+v: %w", n.Name, all, err)
		}
	}
}

// wordsBack opens the box, and everything comes back with what it held.
func (s keeping) wordsBack(ctx context.Context) error {
	owner := s.owner()
	if err := s.do("demo.words_back", args{"Name": owner.Name}, func(func(string)) (string, error) {
		out, err := s.recover(ctx, "--lang", s.opt.Lang)
		if err != nil {
			return "", err
		}
		text, err := os.ReadFile(s.file("words.txt"))
		if err == nil && !slices.Equal(strings.Fields(string(text)), strings.Fields(s.dealtWords)) {
			err = errOtherWords
		}
		return strings.TrimSpace(out), err
	}); err != nil {
		return err
	}
	if err := s.do("demo.recover", nil, func(func(string)) (string, error) {
		words := append([]string{"vault", "recover", "--yes", "--seed-file", s.file("words.txt"), "--from", s.alive()[0].URL()}, owner.Place()...)
		_, err := owner.Run(ctx, words...)
		return "", err
	}); err != nil {
		return err
	}
	return s.do("demo.up_again", nil, func(func(string)) (string, error) {
		if err := owner.Up(ctx); err != nil {
			return "", err
		}
		if err := s.readEnv(ctx, owner); err != nil {
			return "", err
		}
		return s.restoreAndCompare(ctx, "restored-by-custody")
	})
}
