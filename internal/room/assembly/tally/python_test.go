package tally_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

const specs = "../../../../docs/spec"

// python begins one process that counts elections.
func python(t testing.TB) (in *bufio.Writer, out *bufio.Scanner, end func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", "-B", "testdata/stream.py", specs)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Wait(); err != nil {
			t.Log("tally.py ended:", err)
		}
	})
	out = bufio.NewScanner(stdout)
	out.Buffer(nil, 1<<20)
	in = bufio.NewWriter(stdin)
	return in, out, func() {
		if err := in.Flush(); err != nil {
			t.Error(err)
		}
		if err := stdin.Close(); err != nil {
			t.Error(err)
		}
	}
}

// line is what stream.py reads.
func (e *election) line(t testing.TB) []byte {
	t.Helper()
	payloads, leaves := []string{}, [][]any{}
	for _, p := range e.payloads {
		payloads = append(payloads, string(p))
	}
	for _, r := range e.rows {
		leaves = append(leaves, []any{r.member, r.index, r.text})
	}
	text, err := json.Marshal(map[string]any{"payloads": payloads, "leaves": leaves})
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// sameAsPython draws elections, and has them counted twice.
func sameAsPython(t *testing.T, elections int) {
	in, out, end := python(t)
	counted := make(chan tally.Tally, 64)
	go func() {
		defer close(counted)
		defer end()
		for i := range elections {
			e := draw(seeded(uint64(i)))
			if _, err := in.Write(e.line(t)); err != nil {
				t.Error(err)
				return
			}
			counted <- e.count()
		}
	}()
	results, statuses, reasons := map[tally.Result]int{}, map[tally.Status]int{}, map[tally.Reason]int{}
	n, drawn := 0, 0
	for ; out.Scan(); n++ {
		got := <-counted
		var want [3]string
		if err := json.Unmarshal(out.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if want != [3]string{got.Text, got.Hash, string(got.Facilitator)} {
			t.Fatalf("election %d: here\n%s%s\ntally.py\n%s%s", n, got.Text, got.Facilitator, want[0], want[2])
		}
		results[got.Result]++
		if got.Facilitator != "" {
			drawn++
		}
		for _, l := range got.Lines {
			statuses[l.Status]++
			reasons[l.Reason]++
		}
	}
	if n != elections {
		t.Fatalf("tally.py counted %d of %d", n, elections)
	}
	t.Log(results, statuses, reasons)
	if len(results) != 10 || len(statuses) != 5 || len(reasons) != 15 || drawn == 0 {
		t.Errorf("not everything was drawn: %d results, %d statuses, %d reasons, %d facilitators", len(results), len(statuses), len(reasons), drawn)
	}
}

func TestSameAsPython(t *testing.T) { sameAsPython(t, 2000) }

// tally.py counts from files as people have them, and says what is in testdata/whole by hand.
func TestWholeVector(t *testing.T) {
	want, err := os.ReadFile("testdata/whole/tally.txt")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "python3", "-B", filepath.Join(specs, "tally.py"), "testdata/whole/logbooks", "testdata/whole/proposal.json")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil || said.String() != string(want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, &said, want)
	}
	got := whole(t).count()
	if text := got.Text + "\ntally hash " + got.Hash + "\n"; text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// whole reads the vector of testdata/whole as Go does.
func whole(t *testing.T) *election {
	t.Helper()
	payload, err := os.ReadFile("testdata/whole/proposal.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		By       core.MemberID `json:"by"`
		Kind     tally.Kind    `json:"kind"`
		Version  int64         `json:"version"`
		Options  []string      `json:"options"`
		Opened   core.Moment   `json:"opened_us"`
		Talk     core.Moment   `json:"talk_until_us"`
		Commit   core.Moment   `json:"commit_until_us"`
		Reveal   core.Moment   `json:"reveal_until_us"`
		Grace    int64         `json:"grace_us"`
		Deciding []struct {
			Member   core.MemberID `json:"member"`
			Sleeping bool          `json:"sleeping"`
		} `json:"electorate"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(payload)
	e := &election{q: tally.Question{
		ID: hex.EncodeToString(sum[:]), By: p.By, Kind: p.Kind, Version: p.Version, Options: len(p.Options), Opened: p.Opened,
		TalkUntil: p.Talk, CommitUntil: p.Commit, RevealUntil: p.Reveal, Grace: time.Duration(p.Grace) * time.Microsecond,
	}}
	for _, m := range p.Deciding {
		e.q.Electorate = append(e.q.Electorate, tally.Member{ID: m.Member, Sleeping: m.Sleeping})
		data, err := os.ReadFile("testdata/whole/logbooks/" + string(m.Member) + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for said := range strings.Lines(string(data)) {
			var entry struct {
				Index int64  `json:"index"`
				Leaf  string `json:"leaf"`
			}
			if err := json.Unmarshal([]byte(said), &entry); err != nil {
				t.Fatal(err)
			}
			e.rows = append(e.rows, row{m.Member, entry.Index, entry.Leaf})
		}
	}
	return e
}

func TestPythonTestsItself(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "python3", "-B", filepath.Join(specs, "tally.py"), "--self-test").CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), " hold\n") {
		t.Errorf("%v: %s", err, out)
	}
}
