package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"entrechat/internal/app"
	"entrechat/internal/app/lab"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"get":       get,
		"entrechat": func() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ENTRECHAT_LANG", "en")
			env.Setenv("HOME", env.WorkDir)
			spec, err := filepath.Abs("../../docs/spec")
			if err != nil {
				return err
			}
			env.Setenv("SPEC", spec)
			env.Values[villageKey{}] = village{}
			env.Values[servicesKey{}] = map[string]*lab.Service{}
			env.Values[mailKey{}] = new(*lab.Mailbox)
			return ports(env)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" { // only root can give a file to somebody else
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await":     await,
			"capture":   capture,
			"hosters":   hosters,
			"introduce": introduce,
			"pacts":     pacts,
			"watches":   watches,
			"promises":  promises,
			"start":     start,
			"halt":      halt,
			"burn":      burn,
			"until":     until,
			"takeenv":   takeenv,
			"json":      jsonAnswers,
			"wordlist":  wordlist,
			"status":    status,
			"nginx":     nginx,
			"files":     files,
			"runbook":   runbook,
			"service":   service,
			"behave":    behave,
			"mailbox":   mailbox,
			"mail":      mail,
			"mailto":    mailto,
			"form":      form,
			"flood":     flood,
			"letter":    letter,
		},
	})
}

// ports gives a story addresses nobody listens on: $A $AT for the first hoster's
// public and tools listeners, $B $BT and so on.
func ports(env *testscript.Env) error {
	names := []string{"A", "AT", "B", "BT", "C", "CT", "D", "DT"}
	reserved, err := lab.ReservePorts(len(names))
	if err != nil {
		return err
	}
	env.Defer(func() { _ = reserved.Close() })
	for i, name := range names {
		env.Setenv(name, reserved.Addresses[i])
	}
	return nil
}

// files ADDRESS DIR serves a folder's files, a hoster's services as others see them,
// until the story ends.
func files(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	server := &http.Server{Handler: http.FileServer(http.Dir(ts.MkAbs(args[1]))), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { _ = server.Close() })
}

// get URL is a program: it prints the status and the body of an answer.
func get() {
	res, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	body, err := io.ReadAll(res.Body)
	fmt.Println(res.StatusCode, string(body), errors.Join(err, res.Body.Close()))
}

// await waits until a node's tools address says that it is healthy, two minutes at
// most.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for range 2400 {
		res, err := http.Get("http://" + args[0] + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		<-time.After(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not get healthy", args[0])
}

// capture NAME FIELD keeps a string member of the last command's JSON answer as
// $NAME.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	_, rest, ok := strings.Cut(ts.ReadFile("stdout"), fmt.Sprintf("%q: \"", args[1]))
	value, _, ok2 := strings.Cut(rest, `"`)
	if !ok || !ok2 {
		ts.Fatalf("no %q in the answer", args[1])
	}
	ts.Setenv(args[0], value)
}

// jsonAnswers COMMAND... runs entrechat commands, each one quoted argument, with
// --json: each must answer exactly one JSON value and nothing else.
func jsonAnswers(ts *testscript.TestScript, _ bool, args []string) {
	for _, command := range args {
		if err := ts.Exec("entrechat", append(strings.Fields(command), "--json")...); err != nil {
			ts.Fatalf("entrechat %s: %v\n%s", command, err, ts.ReadFile("stderr"))
		}
		dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
		var v any
		if err := dec.Decode(&v); err != nil || hollow(v) || dec.More() {
			ts.Fatalf("entrechat %s --json answers no single value (%v):\n%s", command, err, ts.ReadFile("stdout"))
		}
	}
}

// hollow finds a null anywhere: what is empty is an empty list or left out, so that
// a program need not ask twice.
func hollow(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, hollow)
	case map[string]any:
		for _, inner := range v {
			if hollow(inner) {
				return true
			}
		}
	}
	return false
}

// wordlist FILE writes english.txt of BIP 39, which anybody can find anywhere.
func wordlist(ts *testscript.TestScript, _ bool, args []string) {
	list, err := os.ReadFile("../../internal/kit/seal/english.txt")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), list, 0o600))
}

// status CODE PROGRAM ARGS... runs a program that must end with exactly this exit
// status.
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || fmt.Sprint(exit.ExitCode()) != args[0] {
		ts.Fatalf("ended with %v, not %s\n%s%s", err, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// runbook FILE SECTION N OLD=NEW... runs the Nth block of commands of a section of a
// runbook as a person would in a shell, with what stands there for a name replaced.
func runbook(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(filepath.Join(ts.Getenv("SPEC"), "..", "runbook", args[0]))
	_, section, ok := strings.Cut(text, "\n## "+args[1]+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(section, -1)
	n, err := strconv.Atoi(args[2])
	if !ok || err != nil || n < 1 || n > len(blocks) {
		ts.Fatalf("%s has no block %s in the section %q", args[0], args[2], args[1])
	}
	block := blocks[n-1]
	for _, change := range args[3:] {
		old, replaced, _ := strings.Cut(change, "=")
		block = strings.ReplaceAll(block, old, replaced)
	}
	ts.Check(ts.Exec("sh", "-ec", block))
}
