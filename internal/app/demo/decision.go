package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/app/lab"
)

const (
	// reviewAfter is when what was decided is looked at again.
	reviewAfter = 365 * 24 * time.Hour
	// hop is how long a word takes at most from one logbook to all others: nodes look every two
	// seconds whether theirs grew, and whether another did.
	hop = 5 * time.Second
	// short is a phase that nothing waits for.
	short = time.Second
)

// errOtherCount ends the story when two counts of one decision differ.
var errOtherCount = errors.New("the counts differ")

// deciding is the story while the decision chapter is told.
type deciding struct {
	*story
	charter string        // id of the collective
	slow    time.Duration // what commands of everybody take on this machine
	word    time.Duration // what a word took at most beyond hop, from one person to another
	version decided       // that is decided
}

// objector is who sees a harm.
func (s *deciding) objector() *lab.Node { return s.nodes[2] }

// decided is what `decision show --json` answers, as far as it is told.
type decided struct {
	ID      string `json:"id"`
	Phase   string `json:"phase"`
	Commit  int64  `json:"commit_until_us"`
	Counted int64  `json:"counted_us"`
	Sealed  int    `json:"sealed"`
	Result  string `json:"result"`
	Tally   string `json:"tally"`
	Alike   int    `json:"alike"`
	Words   []struct {
		By     string `json:"by"`
		Lifted int64  `json:"lifted_us"`
	} `json:"objections"`
}

// collective has the owner write a charter that names all seven as founders.
func (s *deciding) collective(ctx context.Context) error {
	return s.do("demo.charter", args{"Name": s.owner().Name}, func(func(string)) (string, error) { return "", s.found(ctx) })
}

// join has the others join, and takes the time.
func (s *deciding) join(ctx context.Context) error {
	begun := time.Now()
	err := s.doEach(ctx, s.others(), "demo.joins", args{"Count": len(s.others())}, func(ctx context.Context, n *lab.Node) error {
		return s.again(ctx, func() error {
			_, err := n.Run(ctx, "collective", "join", s.charter, "--yes")
			return err
		})
	})
	s.slow = time.Since(begun)
	return err
}

// found writes the charter.
func (s *deciding) found(ctx context.Context) error {
	file, err := s.paper("charter.md", "demo.charter_text")
	if err != nil {
		return err
	}
	words := []string{"collective", "create", "--name", s.words.T("demo.charter_name", nil), "--text", file}
	for _, n := range s.others() {
		words = append(words, "--founder", n.Name)
	}
	var made struct {
		ID string `json:"id"`
	}
	err = s.owner().RunJSON(ctx, &made, words...)
	s.charter = made.ID
	return err
}

// allDecide says whether the owner has heard that everybody joined.
func (s *deciding) allDecide(ctx context.Context) error {
	var drawn struct {
		Members []struct {
			In bool `json:"in"`
		} `json:"members"`
	}
	if err := s.owner().RunJSON(ctx, &drawn, "decision", "electors", s.charter); err != nil {
		return err
	}
	in := 0
	for _, l := range drawn.Members {
		if l.In {
			in++
		}
	}
	if in != hosters {
		return fmt.Errorf("%d of %d decide", in, hosters)
	}
	return nil
}

// paper writes a text of the story into a file, as a hoster would have it.
func (s *deciding) paper(name, key string) (string, error) {
	file := filepath.Join(s.dir, name)
	return file, os.WriteFile(file, []byte(s.words.T(key, nil)+"\n"), 0o600)
}

// propose has the owner propose, and another object.
func (s *deciding) propose(ctx context.Context) error {
	s.title("demo.decision", nil)
	owner, other := s.owner(), s.objector()
	if err := s.do("demo.proposes", args{"Name": owner.Name, "Title": s.words.T("demo.proposal_title", nil)}, func(func(string)) (string, error) {
		if err := s.again(ctx, func() error { return s.allDecide(ctx) }); err != nil {
			return "", err
		}
		return s.draft(ctx, "demo.proposal_text", 4*(hop+s.slow), short,
			"--collective", s.charter, "--title", s.words.T("demo.proposal_title", nil), "--review", time.Now().Add(reviewAfter).Format(time.DateOnly))
	}); err != nil {
		return err
	}
	begun := time.Now()
	defer func() { s.took(begun) }()
	return s.do("demo.objects", args{"Name": other.Name}, func(func(string)) (string, error) {
		if _, err := s.until(ctx, other, func(decided) bool { return true }); err != nil {
			return "", err
		}
		harm, whom, lift := s.words.T("demo.harm", nil), s.words.T("demo.whom", nil), s.words.T("demo.lift", nil)
		_, err := other.Run(ctx, "decision", "object", s.version.ID, "--harm", harm, "--whom", whom, "--lift", lift)
		return s.words.T("demo.objects_note", args{"Harm": harm, "Whom": whom, "Lift": lift}), err
	})
}

// took notes how long a word took that was said at a moment.
func (s *deciding) took(begun time.Time) {
	s.word = max(s.word, time.Since(begun)-hop)
	s.slow = max(s.slow, s.word/2)
}

// draft proposes a version whose text is a sentence of the story, and answers it.
func (s *deciding) draft(ctx context.Context, key string, talk, commit time.Duration, flags ...string) (string, error) {
	file, err := s.paper("proposal.md", key)
	if err != nil {
		return "", err
	}
	grace := hop + s.slow
	words := slices.Concat([]string{
		"decision", "propose", "--text", file, "--talk", talk.String(), "--commit", commit.String(),
		"--reveal", (grace + 2*short + s.slow).String(), "--grace", grace.String(),
	}, flags)
	err = s.owner().RunJSON(ctx, &s.version, words...)
	return s.words.T("demo.quoted", args{"Text": s.words.T(key, nil)}), err
}

// answer has a second version take the objection up, and its author lift it.
func (s *deciding) answer(ctx context.Context) error {
	owner, other, begun := s.owner(), s.objector(), time.Now()
	if err := s.do("demo.answers", args{"Name": owner.Name}, func(func(string)) (string, error) {
		if _, err := s.until(ctx, owner, func(d decided) bool { return len(d.Words) == 1 }); err != nil {
			return "", err
		}
		s.took(begun)
		// A new version is not over before the one that it replaces.
		commit := max(5*(hop+max(s.slow, s.word))/2, time.Until(time.UnixMicro(s.version.Commit)))
		return s.draft(ctx, "demo.proposal_text_2", short, commit, "--replaces", s.version.ID)
	}); err != nil {
		return err
	}
	return s.do("demo.lifts", args{"Name": other.Name}, func(func(string)) (string, error) {
		if _, err := s.until(ctx, other, func(decided) bool { return true }); err != nil {
			return "", err
		}
		out, err := other.Run(ctx, "decision", "lift", s.version.ID, "--lang", s.opt.Lang)
		return strings.TrimSpace(out), err
	})
}

// vote has everybody vote as soon as it is time; the last word says what all logbooks say then.
func (s *deciding) vote(ctx context.Context) error {
	if err := s.doEach(ctx, s.nodes, "demo.votes", args{"Count": hosters}, func(ctx context.Context, n *lab.Node) error {
		if _, err := s.until(ctx, n, func(d decided) bool { return d.Phase == "commit" }); err != nil {
			return err
		}
		stance := "agree"
		if n == s.objector() {
			stance = "concern"
		}
		_, err := n.Run(ctx, "decision", "vote", s.version.ID, "--stance", stance)
		return err
	}); err != nil {
		return err
	}
	return s.do("demo.sealed", args{"Name": s.owner().Name}, func(func(string)) (string, error) {
		d, err := s.until(ctx, s.owner(), func(d decided) bool { return d.Sealed == hosters })
		return s.words.T("demo.sealed_note", args{"Count": d.Sealed}), err
	})
}

// count waits until the nodes opened the ballots and counted, by themselves, and compares.
func (s *deciding) count(ctx context.Context) error {
	s.title("demo.decided", nil)
	return s.do("demo.counts", nil, func(progress func(string)) (string, error) {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Until(time.UnixMicro(s.version.Counted))):
		}
		tally, result := "", ""
		for _, n := range s.nodes {
			progress(n.Name)
			d, err := s.until(ctx, n, func(d decided) bool { return d.Alike == hosters })
			if err != nil {
				return "", err
			}
			if tally == "" {
				tally, result = d.Tally, d.Result
			}
			if d.Tally != tally || d.Result != "passed" {
				return "", fmt.Errorf("%s counts %s, %s, and %s counts %s, %s: %w", s.owner().Name, result, tally, n.Name, d.Result, d.Tally, errOtherCount)
			}
		}
		return s.words.T("demo.counts_note", args{"Count": hosters, "Tally": tally}), nil
	})
}

// recount counts once more with nothing of ours but what a node exports: a hundred and some
// lines of Python, where there is Python.
func (s *deciding) recount(ctx context.Context) error {
	return s.do("demo.recount", nil, func(func(string)) (string, error) {
		folder, n := filepath.Join(s.dir, "recount"), s.nodes[hosters-1]
		if _, err := n.Run(ctx, "decision", "export", s.version.ID, folder); err != nil {
			return "", err
		}
		root, _ := moduleRoot()
		script := filepath.Join(root, "docs", "spec", "tally.py")
		python, err := exec.LookPath("python3")
		if _, also := os.Stat(script); errors.Join(err, also) != nil {
			return s.words.T("demo.no_recount", nil), nil //nolint:nilerr // said so
		}
		text, err := exec.CommandContext(ctx, python, script, folder, filepath.Join(folder, "proposal-2.json"), filepath.Join(folder, "proposal-1.json")).CombinedOutput() //nolint:gosec // our own script
		if err != nil {
			return string(text), err
		}
		d, err := s.until(ctx, n, func(decided) bool { return true })
		if err == nil && !strings.Contains(string(text), "tally hash "+d.Tally+"\n") {
			err = errOtherCount
		}
		return strings.TrimSpace(string(text)), err
	})
}

// until asks a hoster about the version until its answer fits.
func (s *deciding) until(ctx context.Context, n *lab.Node, fits func(decided) bool) (d decided, err error) {
	err = s.again(ctx, func() error {
		d = decided{}
		if err := n.RunJSON(ctx, &d, "decision", "show", s.version.ID); err != nil {
			return err
		}
		if !fits(d) {
			return fmt.Errorf("%s says %+v", n.Name, d)
		}
		return nil
	})
	return d, err
}

// again tries until it goes well, or patience ends.
func (s *deciding) again(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if late := pause(ctx); late != nil {
			return errors.Join(err, late)
		}
	}
}
