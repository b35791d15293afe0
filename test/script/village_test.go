package script

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"entrechat/internal/app/lab"
)

// village is the hosters of one story, by the letter they are called.
type village map[string]*lab.Node

// villageKey is where a story keeps its village.
type villageKey struct{}

func here(ts *testscript.TestScript) village {
	v, _ := ts.Value(villageKey{}).(village)
	return v
}

func (v village) node(ts *testscript.TestScript, letter string) *lab.Node {
	n := v[letter]
	if n == nil {
		ts.Fatalf("there is no hoster %q", letter)
	}
	return n
}

// hosters COUNT makes that many nodes, a, b, c... and starts them. $A is where the
// first listens, $AT its tools, $a its data directory, $a_seed its words.
func hosters(ts *testscript.TestScript, _ bool, args []string) {
	program, err := lookPath(ts, "entrechat")
	ts.Check(err)
	count := len(args)
	nodes, err := lab.Found(ts.MkAbs("."), program, count)
	ts.Check(err)
	for i, n := range nodes {
		letter := args[i]
		here(ts)[letter] = n
		ts.Setenv(strings.ToUpper(letter), n.Public)
		ts.Setenv(strings.ToUpper(letter)+"T", n.Tools)
		ts.Setenv(letter, n.Data())
		ts.Setenv(letter+"_seed", n.SeedFile())
		ts.Setenv(letter+"_place", strings.Join(n.Place(), " "))
		ts.Check(n.Init(context.Background()))
		ts.Check(n.Up(context.Background()))
		ts.Defer(n.Stop)
	}
}

func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

// introduce A B... : the first invites each of the others; both sides vouch.
func introduce(ts *testscript.TestScript, _ bool, args []string) {
	first := here(ts).node(ts, args[0])
	for _, letter := range args[1:] {
		ts.Check(lab.Introduce(context.Background(), first, here(ts).node(ts, letter)))
	}
}

// pacts SIZE A B... : the first and each of the others keep SIZE for one another.
func pacts(ts *testscript.TestScript, _ bool, args []string) {
	first := here(ts).node(ts, args[1])
	for _, letter := range args[2:] {
		ts.Check(lab.Pact(context.Background(), first, here(ts).node(ts, letter), args[0]))
	}
}

// watches EVERY A B... : the first and each of the others look at one another's services.
func watches(ts *testscript.TestScript, _ bool, args []string) {
	first := here(ts).node(ts, args[1])
	for _, letter := range args[2:] {
		ts.Check(lab.Promise(context.Background(), first, here(ts).node(ts, letter), "--watch", args[0]))
	}
}

// promises FLAG A B... : the first and each of the others promise one another what a flag of a
// pact without a quantity says.
func promises(ts *testscript.TestScript, _ bool, args []string) {
	first := here(ts).node(ts, args[1])
	for _, letter := range args[2:] {
		ts.Check(lab.Promise(context.Background(), first, here(ts).node(ts, letter), args[0]))
	}
}

// start LETTER... starts stopped nodes.
func start(ts *testscript.TestScript, _ bool, args []string) {
	for _, letter := range args {
		ts.Check(here(ts).node(ts, letter).Up(context.Background()))
	}
}

// halt LETTER... stops nodes as systemd would.
func halt(ts *testscript.TestScript, _ bool, args []string) {
	for _, letter := range args {
		here(ts).node(ts, letter).Stop()
	}
}

// burn LETTER... kills nodes and takes their disks.
func burn(ts *testscript.TestScript, _ bool, args []string) {
	for _, letter := range args {
		n := here(ts).node(ts, letter)
		n.Kill()
		ts.Check(os.RemoveAll(n.Dir))
	}
}

// until PATTERN PROGRAM ARGS... runs a program until its output matches, for at
// most two minutes: what one node tells another takes a moment, and more than a
// minute when it has to ask somebody again who was down.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for range 600 {
		_ = ts.Exec(args[1], args[2:]...)
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		<-time.After(200 * time.Millisecond)
	}
	ts.Fatalf("never matched %s:\n%s%s", args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

var exported = regexp.MustCompile(`(?m)^export ([A-Z_]+)='([^']*)'$`)

// takeenv does what eval does with the last command's output.
func takeenv(ts *testscript.TestScript, _ bool, _ []string) {
	found := exported.FindAllStringSubmatch(ts.ReadFile("stdout"), -1)
	if len(found) == 0 {
		ts.Fatalf("nothing is exported")
	}
	for _, m := range found {
		ts.Setenv(m[1], m[2])
	}
}
