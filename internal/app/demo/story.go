package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say what to tell and where.
type Options struct {
	Program string // this binary
	Data    string // what to back up; empty = this module's sources and a generated mix
	Once    bool   // end after the story
	Words   Printer
	TTY     bool
	MixSize int64 // bytes of the generated mix; 0 = 200 MB
}

// hosters is how many take part: the owner and six others, which makes 4-of-6.
const hosters = 7

// story is what the steps share.
type story struct {
	*teller
	opt    Options
	dir    string
	restic string
	nodes  []*node
	data   string // the tree that is backed up
	tree   Tree
	env    []string // what restic needs
	kit    string   // file with the seed words, kept off the owner's disk
	lost   []string // members that fail
}

func (s *story) owner() *node    { return s.nodes[0] }
func (s *story) others() []*node { return s.nodes[1:] }

// Tell runs the whole story and returns an error at the first step that does not
// hold. Without Once the hosters keep running until ctx ends.
func Tell(ctx context.Context, t Options, out interface{ Write([]byte) (int, error) }) (err error) {
	dir, err := os.MkdirTemp("", "entrechat-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	s := &story{teller: &teller{out: out, tty: t.TTY, words: t.Words}, opt: t, dir: dir}
	defer func() {
		for _, n := range s.nodes {
			n.stop()
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	for _, chapter := range []func(context.Context) error{
		s.prepare, s.found, s.agree, s.backUp, s.loseMembers, s.loseEverything, s.comeBack,
	} {
		if err := chapter(ctx); err != nil {
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

// prepare gets restic and the data.
func (s *story) prepare(ctx context.Context) error {
	s.title("demo.title", nil)
	err := s.do("demo.restic", nil, func(func(string)) (string, error) {
		path, err := FindRestic(ctx, s.line)
		s.restic = path
		return path, err
	})
	if err != nil {
		return err
	}
	return s.do("demo.data", nil, func(func(string)) (string, error) {
		if err := s.fillData(); err != nil {
			return "", err
		}
		s.tree, err = ReadTree(s.data)
		return s.words.T("demo.data_note", args{"Files": len(s.tree), "Dir": s.data}), err
	})
}

func (s *story) fillData() error {
	if s.opt.Data != "" {
		abs, err := filepath.Abs(s.opt.Data)
		s.data = abs
		return err
	}
	s.data = filepath.Join(s.dir, "data-of-owner")
	if root, ok := moduleRoot(); ok {
		if err := CopyTree(root, filepath.Join(s.data, "source"), notSource); err != nil {
			return fmt.Errorf("copy this module's sources: %w", err)
		}
	}
	size := s.opt.MixSize
	if size == 0 {
		size = 200_000_000
	}
	return WriteMix(filepath.Join(s.data, "mix"), size, 20)
}

// moduleRoot is the folder of the go.mod the demo was started in, if any.
func moduleRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for ; ; dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil { //nolint:gosec // looking upwards for go.mod
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

// found makes seven hosters, each with its own disk, and starts them.
func (s *story) found(ctx context.Context) error {
	ports, err := freePorts(2 * hosters)
	if err != nil {
		return err
	}
	return s.do("demo.found", args{"Count": hosters}, func(progress func(string)) (string, error) {
		for i := range hosters {
			name := fmt.Sprintf("chaton-%c.test", 'a'+i)
			n := &node{name: name, dir: filepath.Join(s.dir, name), public: ports[2*i], tools: ports[2*i+1], program: s.opt.Program}
			s.nodes = append(s.nodes, n)
			progress(name)
			if _, err := n.run(ctx, n.initArgs(s.kitFile(n))...); err != nil {
				return "", err
			}
			if err := n.up(ctx); err != nil {
				return "", err
			}
		}
		s.kit = s.kitFile(s.owner())
		return "", nil
	})
}

// kitFile is where a hoster's seed words lie: beside its disk, never on it.
func (s *story) kitFile(n *node) string { return filepath.Join(s.dir, n.name+".seed") }

func (n *node) initArgs(kit string) []string {
	return []string{
		"init", "--origin", n.name, "--url", n.url(), "--listen", n.public, "--tools-listen", n.tools,
		"--allow-private", "--seed-out", kit,
	}
}

// agree has everybody vouch for the owner and the other way round, and signs six
// pacts.
func (s *story) agree(ctx context.Context) error {
	err := s.do("demo.vouch", nil, func(progress func(string)) (string, error) {
		for _, n := range s.others() {
			progress(n.name)
			if err := s.introduce(ctx, s.owner(), n); err != nil {
				return "", err
			}
		}
		return "", nil
	})
	if err != nil {
		return err
	}
	return s.do("demo.pacts", args{"Count": len(s.others())}, func(progress func(string)) (string, error) {
		for _, n := range s.others() {
			progress(n.name)
			if err := s.pact(ctx, n); err != nil {
				return "", err
			}
		}
		return "", nil
	})
}

// introduce adds two hosters to each other by an invite link and lets them vouch.
func (s *story) introduce(ctx context.Context, host, guest *node) error {
	var invite struct {
		Link string `json:"link"`
	}
	if err := host.runJSON(ctx, &invite, "invite"); err != nil {
		return err
	}
	if _, err := guest.run(ctx, "member", "add", invite.Link); err != nil {
		return err
	}
	if _, err := guest.run(ctx, "member", "vouch", host.name); err != nil {
		return err
	}
	_, err := host.run(ctx, "member", "vouch", guest.name)
	return err
}

// pact has the owner ask one member for room and the member accept.
func (s *story) pact(ctx context.Context, n *node) error {
	var pact struct {
		ID string `json:"id"`
	}
	err := s.owner().runJSON(ctx, &pact, "pact", "propose", n.name, "--ask-store", "20GB", "--give-store", "20GB",
		"--place", "Ville A")
	if err != nil {
		return err
	}
	_, err = n.run(ctx, "pact", "accept", pact.ID, "--place", "Ville "+strings.ToUpper(n.name[7:8]))
	return err
}

func (n *node) runJSON(ctx context.Context, into any, words ...string) error {
	out, err := n.run(ctx, append(words, "--json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("%s: read what entrechat %s answered: %w", n.name, words[0], err)
	}
	return nil
}

// epilogue prints how long everything took and where the living hosters are.
func (s *story) epilogue(_ context.Context) {
	s.title("demo.timings", nil)
	var rows [][]string
	var total time.Duration
	for _, step := range s.steps {
		rows = append(rows, []string{step.name, seconds(step.took)})
		total += step.took
	}
	rows = append(rows, []string{s.words.T("demo.total", nil), seconds(total)})
	s.table([]string{s.words.T("demo.step", nil), s.words.T("demo.time", nil)}, rows)
	s.title("demo.where", nil)
	rows = nil
	for _, n := range s.nodes {
		rows = append(rows, []string{n.name, n.url(), n.state(s.words)})
	}
	s.table([]string{s.words.T("demo.hoster", nil), "URL", s.words.T("demo.state", nil)}, rows)
}

func (n *node) state(words Printer) string {
	select {
	case <-n.dead:
		return words.T("demo.dead", nil)
	default:
		return words.T("demo.alive", nil)
	}
}
