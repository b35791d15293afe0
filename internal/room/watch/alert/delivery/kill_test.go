package delivery

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/migrations"
)

// killed says that this process is the one to be killed: the database, where its messages
// go, how far its clock is ahead, and what it does.
const killed = "ENTRECHAT_ALERT_KILLED"

type role struct {
	DB, Hook string
	Ahead    time.Duration
	Over     bool
}

func TestMain(m *testing.M) {
	text := os.Getenv(killed)
	if text == "" {
		os.Exit(m.Run())
	}
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		panic(err)
	}
	if err := r.live(); err != nil {
		panic(err)
	}
}

// live runs a queue as a node does, until somebody kills it.
func (r role) live() error {
	ctx := context.Background()
	d, err := db.Open(ctx, r.DB)
	if err != nil {
		return err
	}
	plan := contact.Plan{Owner: owner, At: 1}
	for _, id := range []string{"ana", "bob"} {
		plan.People = append(plan.People, contact.Person{ID: id, Name: id, Lang: "en", Zone: "UTC", Channels: []contact.Channel{
			hook("first", r.Hook+"/"+id+"/first"), hook("other", r.Hook+"/"+id+"/other"),
		}})
	}
	q := New(Needs{
		DB: d, Plan: func(context.Context, core.MemberID) (contact.Plan, bool, error) { return plan, true, nil },
		Rank:    func(context.Context, core.MemberID) (int, error) { return 0, nil },
		Domains: func(context.Context, core.MemberID) ([]string, error) { return nil, nil },
		Sees:    func(context.Context, core.MemberID, string) []string { return nil },
		Sender:  channel.New(channel.Needs{Private: true}), Tell: func(context.Context, Receipt) {},
		Self: owner, Ask: func(context.Context, core.MemberID, string) (map[core.MemberID][]Receipt, int) { return nil, 0 },
		Link: func(key, person string) string { return "https://a.test/" + key + person }, Words: catalogue(&testing.T{}),
		Now: func() time.Time { return time.Now().Add(r.Ahead) }, Log: slog.New(slog.DiscardHandler),
	})
	fmt.Println("up")
	go func() {
		for i := range 5 {
			n := Notice{Owner: owner, Incident: fmt.Sprint("i", i), Kind: Down, Level: contact.Page, At: core.At(time.Now().Add(-time.Minute))}
			if q.Put(ctx, n) != nil {
				return
			}
		}
		if r.Over {
			for i := range 5 {
				_ = q.Resolve(ctx, owner, fmt.Sprint("i", i), core.At(time.Now()))
			}
		}
	}()
	return q.Serve(ctx)
}

// TestKilledAtAnyMoment: 30 kills in the life of five incidents. Everybody is told of each
// beginning and each end, by no channel more than twice.
func TestKilledAtAnyMoment(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{} // person, incident and kind -> messages of one channel
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct{ Key, Kind string }
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &m)
		mu.Lock()
		got[r.URL.Path+" "+m.Key+" "+m.Kind]++
		mu.Unlock()
		time.Sleep(20 * time.Millisecond) // many a kill falls between the message and its answer
	}))
	defer server.Close()
	address := dbtest.Address(t)
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := db.Migrate(t.Context(), d, "watch", migrations.Files); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	r := role{DB: address, Hook: server.URL}
	for n := range 30 {
		if n == 15 { // everything began; now it ends
			r.run(t, 2*time.Second)
			r.Ahead += lease
			r.Over = true
		}
		r.run(t, time.Duration(random.IntN(120))*time.Millisecond)
		r.Ahead += lease
	}
	r.run(t, 3*time.Second)
	count := func(query string) int64 {
		n, err := db.One(t.Context(), d, db.Int64, query)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(`SELECT count(*) FROM watch_delivery WHERE state = 'open'`); n != 0 {
		t.Errorf("%d deliveries are still open", n)
	}
	told := map[string]int{}
	for name, n := range got {
		if n > 2 {
			t.Errorf("%s: %d times by one channel", name, n)
		}
		who := strings.Split(name, "/")[1]
		told[who+" "+strings.Fields(name)[1]]++
	}
	for _, who := range []string{"ana", "bob"} {
		for i := range 5 {
			begun := Notice{Owner: owner, Incident: fmt.Sprint("i", i), Kind: Down}
			over := Notice{Owner: owner, Incident: begun.Incident, Kind: Recovered}
			down, back := told[who+" "+begun.Key()+"/"+who+"/oncall"], told[who+" "+over.Key()+"/"+who+"/oncall"]
			if down == 0 || back == 0 {
				t.Errorf("%s %s: told %d of the beginning, %d of the end", who, begun.Incident, down, back)
			}
		}
	}
}

// run starts a node and kills it so long after it is up.
func (r role) run(t *testing.T, life time.Duration) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killed+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || up != "up\n" {
		t.Errorf("the node did not start: %q %v", up, err)
	}
	time.Sleep(life)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
