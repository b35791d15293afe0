package mail

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/room/succession/recipe/mail"
)

// program is a node whose commands move, and the file of settings.
type program struct {
	*world
	node *lab.Node
	file string
	id   string
}

// program makes a node; nothing of it has to run.
func (w *world) program(settings string) *program {
	w.Helper()
	exe, err := os.Executable()
	w.must(err)
	nodes, err := lab.Found(w.TempDir(), exe, 1)
	w.must(err)
	w.must(nodes[0].Init(w.Context()))
	file := filepath.Join(w.TempDir(), "mail.toml")
	w.must(os.WriteFile(file, []byte(settings), 0o600))
	return &program{world: w, node: nodes[0], file: file}
}

// run runs `succession move VERB`, and takes note of the move's id.
func (p *program) run(ctx context.Context, verb string, more ...string) error {
	p.Helper()
	arg := p.id
	if verb == "start" {
		arg = p.file
	}
	_, err := p.node.Run(ctx, append([]string{"succession", "move", verb, arg}, more...)...)
	if p.id == "" && err == nil {
		var list []struct {
			ID string `json:"id"`
		}
		p.must(p.node.RunJSON(p.Context(), &list, "succession", "move", "list"))
		p.id = list[0].ID
	}
	return err
}

// crowd makes a world with many letters, none of them twice.
func crowd(t *testing.T) *world {
	t.Helper()
	people := []string{"probe"}
	for i := range manyPeople - 1 {
		people = append(people, fmt.Sprintf("%s%d", []string{"jean.dupont", "a&b", "été", "x_y=z", "o.neil"}[i%5], i))
	}
	w := newWorld(t, people...)
	each := manyLetters / manyPeople
	for i, p := range w.people {
		w.bulk(p, oddFolders[i%4:i%4+4], i*each, each)
	}
	for _, p := range w.people[:3] {
		w.fill(p, []string{"Filtré"}, 0)
	}
	return w
}

// TestWhileMailArrives: letters come by SMTP and LMTP all the time, and a flag is set and a letter deleted
// between copy and freeze; swaks is the last of them.
func TestWhileMailArrives(t *testing.T) {
	w := crowd(t)
	p := w.program(w.settings(""))
	post := w.postman(10_000_000, 30*time.Millisecond)
	begun := time.Now()
	w.must(p.run(t.Context(), "start"))
	copied := time.Since(begun)
	w.old.Admin(t, "", "flags", "add", "-u", w.people[1], `\Flagged`, "mailbox", "INBOX", "uid", "1")
	w.must(p.run(t.Context(), "start"))
	post.throughPostfix()
	frozen := time.Now()
	w.must(p.run(t.Context(), "freeze"))
	w.must(p.run(t.Context(), "finish"))
	w.must(p.run(t.Context(), "cut", "--yes"))
	said, err := exec.CommandContext(t.Context(), "swaks", "--silent", "2", "--server", w.old.SMTP, "--from", "a@else.test", "--to", w.people[0], "--add-header", "Message-ID: <20000000@else.test>").CombinedOutput()
	if err != nil {
		t.Fatalf("swaks: %v %s", err, said)
	}
	outside := time.Since(frozen)
	post.end()
	post.taken["<20000000@else.test>"] = 1
	if len(post.failed) > 0 || len(post.taken) < 20 {
		t.Fatalf("%d letters were taken, %d not: %.300q", len(post.taken), len(post.failed), post.failed)
	}
	w.wantEach(manyLetters/manyPeople*manyPeople, post.taken)
	closed := mail.Closed(p.folder())
	t.Logf("%d mailboxes, %d letters: copied in %s; not writable for %s (%s seen from outside)", manyPeople, manyLetters, copied.Round(time.Millisecond), closed.Round(time.Millisecond), outside.Round(time.Millisecond))
	if closed <= 0 || closed > outside || closed > mail.Longest {
		t.Errorf("not writable for %s", closed)
	}
}

// folder is where the node keeps the notes of this move.
func (p *program) folder() (found string) {
	p.Helper()
	p.must(filepath.WalkDir(p.node.Dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == p.id {
			found = name
		}
		return err
	}))
	return found
}

// TestKilledAtThirtyMoments: entrechat is killed with SIGKILL at moments spread over the whole move, and run
// again each time; letters arrive.
func TestKilledAtThirtyMoments(t *testing.T) {
	w := newWorld(t, "probe", "jean.dupont", "a&b")
	for i, p := range w.people {
		w.bulk(p, oddFolders[i:i+3], i*100, 100)
	}
	w.fill(w.people[0], []string{"Filtré"}, 0)
	p := w.program(w.settings(""))
	post := w.postman(10_000_000, 100*time.Millisecond)
	killed := 0
	for _, verb := range []struct {
		name  string
		kills int
	}{{"start", 11}, {"freeze", 7}, {"finish", 9}, {"cut", 5}} {
		if verb.name == "freeze" {
			post.throughPostfix()
		}
		more := map[string][]string{"cut": {"--yes"}}[verb.name]
		begun := time.Now()
		if verb.name == "start" { // how long it takes, and its id; the others are killed before they were ever whole
			w.must(p.run(t.Context(), verb.name))
		}
		long := max(time.Since(begun), 2*time.Second)
		for i := range verb.kills {
			ctx, cancel := context.WithTimeout(t.Context(), long*time.Duration(i+1)/time.Duration(verb.kills+1))
			err := p.run(ctx, verb.name, more...)
			if ctx.Err() != nil {
				killed++
			} else if err != nil && !strings.Contains(err.Error(), "late") {
				t.Fatalf("%s: %v", verb.name, err)
			}
			cancel()
		}
		w.must(p.run(t.Context(), verb.name, more...))
	}
	post.end()
	t.Logf("killed %d times", killed)
	if killed < 15 {
		t.Errorf("only %d of 32 runs were killed before they ended", killed)
	}
	w.wantEach(300, post.taken)
}

// TestNothingImported: a doveadm that says it succeeded and does nothing is found out, and what was frozen
// opens again.
func TestNothingImported(t *testing.T) {
	w := newWorld(t, "probe")
	w.fill(w.people[0], oddFolders[:2], 6)
	liar := filepath.Join(t.TempDir(), "doveadm")
	w.must(os.WriteFile(liar, []byte("#!/bin/sh\nfor a do case $a in backup|sync) exit 0 ;; esac; done\nexec doveadm \"$@\"\n"), 0o700))
	before := w.state(w.old)
	p := w.program(strings.Replace(w.settings(""), "[new]\ndoveadm = [\"doveadm\"", "[new]\ndoveadm = [\""+liar+"\"", 1))
	w.must(p.run(t.Context(), "start"))
	w.must(p.run(t.Context(), "freeze"))
	if err := p.run(t.Context(), "finish"); err == nil {
		t.Error("nothing was imported, and nobody saw it")
	} else {
		t.Log(err)
	}
	if err := p.run(t.Context(), "cut", "--yes"); err == nil {
		t.Error("it was cut")
	}
	w.must(p.run(t.Context(), "undo"))
	if after := w.state(w.old); after != before {
		t.Errorf("the old server is not as before:\n%s\n---\n%s", before, after)
	}
}
