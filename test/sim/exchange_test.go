package sim

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// world says how large and how long a simulation is.
type world struct {
	nodes int
	days  int
	seed  uint64
}

// member is one simulated hoster.
type member struct {
	name     string
	root     ed25519.PrivateKey
	signer   seal.Signer
	db       *db.DB
	book     *logbook.Book
	server   *http.Server
	listener *listener
	mute     bool // forwards nothing about others
	liar     bool
}

// simulation is a world while it runs.
type simulation struct {
	t       *testing.T
	w       world
	rng     *rand.Rand
	net     *network
	dir     string
	begun   time.Time
	members []*member
	twin    *member // the liar's other view
	stop    context.CancelFunc
	running sync.WaitGroup
}

// TestMembersConverge: with a tenth offline at any moment, a fifth never
// forwarding, one member telling two histories and a partition of two hours,
// every honest log is the same everywhere, everybody holds the proof against the
// liar, and no honest member is suspended.
func TestMembersConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { run(t, size()) })
}

func run(t *testing.T, w world) {
	s := &simulation{t: t, w: w, rng: rand.New(rand.NewPCG(w.seed, 1)), begun: time.Now(), dir: scratch(t)}
	s.net = &network{cut: s.cut}
	for i := range w.nodes {
		s.members = append(s.members, s.found(i))
	}
	s.twin = s.split(s.liar())
	s.introduce()
	s.start()
	s.live()
	s.judge()
	s.end()
}

// scratch is memory where the machine has it: a hundred databases on a disk would
// measure the disk.
func scratch(t *testing.T) string {
	if dir, err := os.MkdirTemp("/dev/shm", "entrechat-sim-"); err == nil { //nolint:usetesting // in memory on purpose
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func name(i int) string { return fmt.Sprintf("m%03d.test", i) }

func (s *simulation) liar() *member { return s.members[1] }

// found makes a member; every fifth never forwards.
func (s *simulation) found(i int) *member {
	_, root, err := ed25519.GenerateKey(nil)
	s.must(err)
	_, online, err := ed25519.GenerateKey(nil)
	s.must(err)
	m := &member{name: name(i), root: root, signer: seal.NewSigner(core.MemberID(name(i)), online), mute: i%5 == 4, liar: i == 1}
	s.open(m, name(i))
	keys := logbook.KeySet{Origin: m.signer.ID(), Version: 1, URL: "http://" + m.name, Keys: []logbook.Key{format.NewKey(m.signer.Public())}}
	doc, err := keys.Sign(m.root)
	s.must(err)
	s.must(m.book.Init(s.t.Context(), doc, m.rootKey()))
	return m
}

// open gives a member its database, book and listener; file and listener share a name.
func (s *simulation) open(m *member, hostName string) {
	var err error
	m.db, err = db.Open(s.t.Context(), "sqlite:"+filepath.Join(s.dir, hostName+".db"))
	s.must(err)
	s.must(db.Migrate(s.t.Context(), m.db, "logbook", logbook.Migrations()))
	quiet := slog.New(slog.DiscardHandler)
	m.book = logbook.New(logbook.Needs{
		DB: m.db, Signer: m.signer, Now: time.Now, Log: quiet,
		Tuning: logbook.Tuning{Lease: 9 * time.Minute, Push: 5 * time.Minute, Deliver: 5 * time.Minute, Resign: 24 * time.Hour, NoListen: true, NoForward: m.mute},
	})
	n := peer.Needs{Signer: m.signer, Keyring: m.book, Private: true, Now: time.Now, Log: quiet}
	n.Dial = s.net.dialer(m.name, func(to string) string { return s.view(m.name, to) })
	m.book.Connect(peer.NewClient(n))
	m.server = peer.NewServer("", peer.NewHandler(n, m.book.Routes()))
	m.listener = s.net.listen(hostName)
}

func (m *member) rootKey() core.RootKey {
	return core.RootKey(m.root.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // ed25519 promises it
}

const twinName = "twin.test"

// split gives the liar a second disk with the same keys.
func (s *simulation) split(liar *member) *member {
	path := filepath.Join(s.dir, twinName+".db")
	_, err := db.Exec(s.t.Context(), liar.db, `VACUUM INTO '`+path+`'`)
	s.must(err)
	twin := &member{name: liar.name, root: liar.root, signer: liar.signer, liar: true}
	s.open(twin, twinName)
	return twin
}

// view is the listener behind a name: half of the members meet the liar's other one.
func (s *simulation) view(from, to string) string {
	if to == s.liar().name && number(from)%2 == 0 {
		return twinName
	}
	return to
}

func number(name string) int {
	var n int
	_, _ = fmt.Sscanf(name, "m%d", &n)
	return n
}

func (s *simulation) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// introduce lets everybody follow everybody.
func (s *simulation) introduce() {
	for _, m := range append([]*member{s.twin}, s.members...) {
		for _, o := range s.members {
			if o.name == m.name {
				continue
			}
			_, doc, err := o.book.KeySet(s.t.Context(), o.signer.ID())
			s.must(err)
			s.must(m.book.Adopt(s.t.Context(), logbook.WellKnown{Origin: o.signer.ID(), URL: "http://" + o.name, Root: o.rootKey(), KeySet: doc}))
		}
	}
}

// quietAfter is how long before the end everybody is online and silent.
const quietAfter = 6 * time.Hour

func (s *simulation) length() time.Duration { return time.Duration(s.w.days) * 24 * time.Hour }

// cut: a tenth is away at any moment, eight hours at a time; the second day has a
// partition of two hours.
func (s *simulation) cut(from, to string) bool {
	at := time.Since(s.begun)
	if at > s.length()-quietAfter {
		return false
	}
	if s.away(from, at) || s.away(to, at) {
		return true
	}
	if from == to {
		return true // the liar does not look at itself; honest members need not
	}
	partition := at > 24*time.Hour && at < 26*time.Hour
	return partition && number(from)%2 != number(to)%2
}

func (s *simulation) away(name string, at time.Duration) bool {
	slot := int(at / (8 * time.Hour))
	return number(name)%10 == slot%10
}

func (s *simulation) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	quiet := slog.New(slog.DiscardHandler)
	for _, m := range append([]*member{s.twin}, s.members...) {
		s.running.Go(func() { _ = m.server.Serve(m.listener) })
		s.running.Go(func() { jobs.Run(ctx, quiet, m.book.Jobs(nil)) })
	}
}

// live has members say something twice a day, the liar with both faces.
func (s *simulation) live() {
	for hour := range s.w.days * 24 {
		time.Sleep(time.Hour)
		if time.Since(s.begun) > s.length()-quietAfter {
			continue
		}
		for i, m := range s.members {
			if i%12 == hour%12 && !s.away(m.name, time.Since(s.begun)) {
				s.say(m, fmt.Sprintf("hour %d", hour))
			}
		}
		if hour == 30 {
			s.say(s.twin, "another story")
			s.say(s.liar(), "one story")
		}
	}
	time.Sleep(time.Second)
}

// say may be refused while no mirror is reachable; then it is not said.
func (s *simulation) say(m *member, what string) {
	_, err := m.book.Append(s.t.Context(), "entrechat/test/1", nil, 0, what)
	if err != nil && core.CodeOf(err) != core.CodeUnsure && !m.liar {
		s.t.Errorf("%s: %v", m.name, err)
	}
}

// judge compares every honest member's view with each author's own.
func (s *simulation) judge() {
	ctx := s.t.Context()
	said := int64(0)
	for _, author := range s.members {
		own, err := author.book.Member(ctx, author.signer.ID())
		s.must(err)
		if !author.liar {
			said += own.Size
		}
		for _, m := range s.members {
			if m.liar {
				continue
			}
			seen, err := m.book.Member(ctx, author.signer.ID())
			s.must(err)
			switch {
			case author.liar && seen.State != logbook.Suspended:
				s.t.Errorf("%s holds no proof against the liar (%s)", m.name, seen.State)
			case !author.liar && (seen.State != logbook.Fresh || seen.Size != own.Size):
				s.t.Errorf("%s sees %s at %d, %s; it is at %d", m.name, author.name, seen.Size, seen.State, own.Size)
			}
		}
	}
	s.t.Logf("%d members, %d days: %d entries, every honest log the same everywhere, the liar known to all", s.w.nodes, s.w.days, said)
}

func (s *simulation) end() {
	s.stop()
	for _, m := range append([]*member{s.twin}, s.members...) {
		_ = m.server.Close()
		_ = m.listener.Close()
	}
	s.running.Wait()
	for _, m := range append([]*member{s.twin}, s.members...) {
		_ = m.db.Close()
	}
}
