package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/app/lab"
)

// Options say what to tell and where.
type Options struct {
	Program string // this binary
	Data    string // what to back up; empty = this module's sources and a generated mix
	Once    bool   // end after the story
	// Chapters are those to tell, as ParseChapters has them; they are told in their own order.
	Chapters []string
	Words    Printer
	Lang     string // of what the hosters print
	TTY      bool
	MixSize  int64 // bytes of the generated mix; 0 = 50 MB
}

// hosters is how many take part: the owner and six others, which makes 4-of-6.
const hosters = 7

// story is what the steps share.
type story struct {
	*teller
	opt        Options
	dir        string
	restic     string
	nodes      []*lab.Node
	data       string // the tree that is backed up
	tree       lab.Tree
	env        []string       // what restic needs
	lost       []string       // members that fail
	dealtWords string         // the owner's words, once nobody has them any more
	scene      *scene         // of the watch chapter; nil = it is not told
	visit      *visit         // of the identity chapter; nil = it is not told
	leaves     *leaving       // of the succession chapter; nil = it is not told
	making     errgroup.Group // of the data
}

func (s *story) owner() *lab.Node    { return s.nodes[0] }
func (s *story) others() []*lab.Node { return s.nodes[1:] }

// Tell runs the whole story and returns an error at the first step that does not
// hold. Without Once the hosters keep running until ctx ends.
func Tell(ctx context.Context, t Options, out interface{ Write([]byte) (int, error) }) (err error) {
	dir, err := os.MkdirTemp("", "entrechat-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	s := &story{teller: &teller{out: out, tty: t.TTY, words: t.Words}, opt: t, dir: dir}
	if s.tells(Succession) {
		s.leaves = &leaving{story: s}
	}
	defer func() {
		s.stop()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	for _, part := range s.parts() {
		if err := part(ctx); err != nil {
			return err
		}
	}
	s.epilogue(ctx)
	if !t.Once {
		s.title("demo.running", args{"Dir": dir})
		<-ctx.Done()
	}
	return nil
}

// parts are what is told: what hosters do in their first days, as far as the chosen chapters
// need it, then what happens to them. The members draw who judges while the owner saves, and
// the nodes count what was voted while a service fails.
func (s *story) parts() []func(context.Context) error {
	w, i, k, d, l := watching{s}, signing{s}, keeping{s}, &deciding{story: s}, s.leaves
	all := []func(context.Context) error{s.open, s.found, s.agree}
	add := func(told bool, parts ...func(context.Context) error) {
		if told {
			all = append(all, parts...)
		}
	}
	add(s.tells(Succession), l.begin)
	saves := s.tells(Backup) || s.tells(Custody)
	add(saves, s.beginData)
	add(s.tells(Decision), d.collective)
	add(s.tells(Watch), w.watchOver)
	add(s.tells(Watch) || s.tells(Decision), s.meet)
	add(s.tells(Decision), d.join)
	add(saves, s.prepare, s.backUp)
	add(s.tells(Custody), k.deal)
	add(s.tells(Decision), d.propose, d.answer, d.vote)
	add(s.tells(Watch), w.drawn, w.failService, w.loseOwner, w.readMailbox)
	add(s.tells(Decision), d.count, d.recount)
	add(s.tells(Identity), i.open, i.signIn, i.loseHome, i.returnHome)
	add(s.tells(Backup), s.loseMembers, s.loseEverything, s.comeBack)
	add(s.tells(Custody), k.loseWords, k.askForWords, k.wordsBack)
	add(s.tells(Succession), l.vanish, l.ask, l.read, l.adopt)
	return all
}

// open says what this is, and makes what the hosters stand on.
func (s *story) open(context.Context) (err error) {
	s.title("demo.title", nil)
	if s.nodes, err = lab.Found(s.dir, s.opt.Program, hosters); err != nil {
		return err
	}
	if s.tells(Watch) {
		if s.scene, err = newScene(); err != nil { //nolint:contextcheck // it lives until close
			return err
		}
	}
	if s.tells(Identity) {
		home := signing{s}.home()
		home.Front = named(home.Public)
		s.visit, err = newVisit() //nolint:contextcheck // it lives until close
	}
	return err
}

// stop ends all hosters at once: each says goodbye to those that wait for its news. After a
// story that nobody looks at any further nothing of them is left, and nobody waits.
func (s *story) stop() {
	var all sync.WaitGroup
	for _, n := range s.nodes {
		if s.opt.Once {
			all.Go(n.Kill)
		} else {
			all.Go(n.Stop)
		}
	}
	all.Wait()
	_ = s.making.Wait() // what it failed with was told
	if s.leaves != nil {
		s.leaves.close()
	}
	if s.scene != nil {
		s.scene.close()
	}
	if s.visit != nil {
		s.visit.close()
	}
}

// prepare gets restic and the data.
func (s *story) prepare(ctx context.Context) error {
	s.title("demo.save", nil)
	err := s.do("demo.restic", nil, func(progress func(string)) (string, error) {
		path, err := lab.FindRestic(ctx, s.building(progress))
		s.restic = path
		return path, err
	})
	if err != nil {
		return err
	}
	return s.do("demo.data", nil, func(func(string)) (string, error) {
		err := s.making.Wait()
		return s.words.T("demo.data_note", args{"Files": len(s.tree), "Dir": s.data}), err
	})
}

// beginData begins to make the data, while other chapters wait for the hosters.
func (s *story) beginData(context.Context) error {
	s.making.Go(func() (err error) {
		if err = s.fillData(); err == nil {
			s.tree, err = lab.ReadTree(s.data)
		}
		return err
	})
	return nil
}

// building tells how far the building of restic is: on a terminal all the time in the
// running line, elsewhere now and then in one of its own.
func (s *story) building(progress func(string)) func(lab.Building) {
	var said time.Duration
	return func(b lab.Building) {
		if b.Took == 0 {
			s.line("  " + s.words.T("demo.build", args{"Version": b.Version}))
			return
		}
		text := s.words.T("demo.build_at", args{"Count": b.Packages, "Took": seconds(b.Took), "Package": b.Last})
		progress(text)
		if !s.tty && b.Took-said >= sayEvery {
			said = b.Took
			s.line("  " + text)
		}
	}
}

// sayEvery is how often a long step speaks where there is no terminal.
const sayEvery = 15 * time.Second

func (s *story) fillData() error {
	if s.opt.Data != "" {
		abs, err := filepath.Abs(s.opt.Data)
		s.data = abs
		return err
	}
	s.data = filepath.Join(s.dir, "data-of-owner")
	if root, ok := moduleRoot(); ok {
		if err := lab.CopyTree(root, filepath.Join(s.data, "source"), notSource); err != nil {
			return fmt.Errorf("copy this module's sources: %w", err)
		}
	}
	size := s.opt.MixSize
	if size == 0 {
		size = 50_000_000
	}
	return lab.WriteMix(filepath.Join(s.data, "mix"), size, 20)
}

// moduleRoot is the folder of the go.mod the demo was started in, if any.
func moduleRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for ; ; dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			return dir, strings.HasPrefix(string(text), "module entrechat\n")
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

func notSource(rel string, d fs.DirEntry) bool {
	return d.IsDir() && (d.Name() == ".git" || d.Name() == ".cache" || rel == "bin")
}

// sideBySide is how many hosters do a step at once.
const sideBySide = 3

// found makes seven hosters, each with its own disk, and starts them.
func (s *story) found(ctx context.Context) error {
	return s.doEach(ctx, s.nodes, "demo.found", args{"Count": hosters}, func(ctx context.Context, n *lab.Node) error {
		if err := n.Init(ctx); err != nil {
			return err
		}
		if s.scene != nil {
			if err := s.scene.sendsMail(n); err != nil {
				return err
			}
		}
		if s.leaves != nil {
			if err := s.leaves.post(n); err != nil { //nolint:contextcheck // the mailbox lives until close
				return err
			}
		}
		return n.Up(ctx)
	})
}

// agree has the hosters meet and vouch for one another, and signs six pacts.
func (s *story) agree(ctx context.Context) error {
	if err := s.doEach(ctx, s.others(), "demo.vouch", nil, func(ctx context.Context, n *lab.Node) error {
		return lab.Introduce(ctx, s.owner(), n)
	}); err != nil {
		return err
	}
	return s.doEach(ctx, s.others(), "demo.pacts", args{"Count": len(s.others())}, func(ctx context.Context, n *lab.Node) error {
		return lab.Promise(ctx, s.owner(), n, "--ask-store", "20GB", "--give-store", "20GB", "--watch", lookEvery, "--login", "all", "--custody")
	})
}

// meet has the others meet each other too, as members of one collective do: who judges
// together must know each other's keys. The draw goes on meanwhile.
func (s *story) meet(ctx context.Context) error {
	return s.do("demo.meet", nil, func(progress func(string)) (string, error) {
		for _, round := range rounds(len(s.others())) {
			progress(s.others()[round[0][0]].Name)
			met := make([]error, len(round))
			var all sync.WaitGroup
			for i, pair := range round {
				all.Go(func() { met[i] = lab.Meet(ctx, s.others()[pair[0]], s.others()[pair[1]]) })
			}
			all.Wait()
			if err := errors.Join(met...); err != nil {
				return "", err
			}
		}
		return "", ctx.Err()
	})
}

// rounds pairs each of an even count with each other, once; in one round everybody is in
// one pair.
func rounds(count int) [][][2]int {
	all := make([][][2]int, count-1)
	for r := range all {
		all[r] = append(all[r], [2]int{count - 1, r})
		for i := 1; i < count/2; i++ {
			all[r] = append(all[r], [2]int{(r + i) % (count - 1), (r - i + count - 1) % (count - 1)})
		}
	}
	return all
}

// doEach runs one step with each of these hosters, some at once.
func (s *story) doEach(ctx context.Context, nodes []*lab.Node, key string, a args, run func(context.Context, *lab.Node) error) error {
	return s.do(key, a, func(progress func(string)) (string, error) {
		all, ctx := errgroup.WithContext(ctx)
		all.SetLimit(sideBySide)
		for _, n := range nodes {
			all.Go(func() error {
				progress(n.Name)
				return run(ctx, n)
			})
		}
		return "", all.Wait()
	})
}

// epilogue prints how long everything took and where the living hosters are.
func (s *story) epilogue(_ context.Context) {
	s.title("demo.timings", nil)
	rows := make([][]string, 0, len(s.steps)+1)
	var total time.Duration
	for _, step := range s.steps {
		rows = append(rows, []string{step.name, seconds(step.took)})
		total += step.took
	}
	rows = append(rows, []string{s.words.T("demo.total", nil), seconds(total)})
	s.table([]string{s.words.T("demo.step", nil), s.words.T("demo.time", nil)}, rows)
	s.title("demo.where", nil)
	rows = make([][]string, 0, len(s.nodes))
	for _, n := range s.nodes {
		rows = append(rows, []string{n.Name, n.URL(), s.state(n)})
	}
	s.table([]string{s.words.T("demo.hoster", nil), "URL", s.words.T("demo.state", nil)}, rows)
}

func (s *story) state(n *lab.Node) string {
	if n.Alive() {
		return s.words.T("demo.alive", nil)
	}
	return s.words.T("demo.dead", nil)
}
