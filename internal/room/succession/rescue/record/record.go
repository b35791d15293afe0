package record

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/address"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/rescue/whose"
)

// State is how far a rescue is.
type State string

// The states.
const (
	Restoring State = "restoring"
	Open      State = "open"   // readable, until its day
	Ended     State = "ended"  // nobody reads it; its data are still here
	Erased    State = "erased" // its data are gone
)

// Why a rescue ended.
const (
	Asked = "asked" // our admins ended it
	Until = "until" // its day came
)

// Longest is how long a rescue lasts at most.
const Longest = 183 * 24 * time.Hour

// Rescue is one service of another member.
type Rescue struct {
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	State   State         `json:"state"`
	Since   core.Moment   `json:"since_us"`
	Until   core.Moment   `json:"until_us"`
	// Snapshot and AsOf are what is shown, and as of when.
	Snapshot string      `json:"snapshot"`
	AsOf     core.Moment `json:"as_of_us"`
	Bytes    int64       `json:"bytes"`
	Files    int64       `json:"files"`
	People   int64       `json:"people"`
	Hidden   int64       `json:"hidden"` // parts that nobody is shown
	// FetchBytes is the size of the repository; FetchMS and RestoreMS are how long it took here.
	FetchBytes int64       `json:"fetch_bytes"`
	FetchMS    int64       `json:"fetch_ms"`
	RestoreMS  int64       `json:"restore_ms"`
	Pack       string      `json:"pack"`
	EndedAt    core.Moment `json:"ended_us"` // 0 = it did not
	Why        string      `json:"why"`
}

// Shown says whether people may read it.
func (r Rescue) Shown(now core.Moment) bool { return r.State == Open && now < r.Until }

// Owned is an item and the folder that it lies in.
type Owned struct {
	whose.Item
	Dir string
}

// Open opens it for reading.
func (o Owned) Open() (whose.View, error) { return whose.Open(o.Dir, o.Path) }

// Needs is what records are made of; all of it is required.
type Needs struct {
	DB  *db.DB
	Dir string // of all rescues
	Key []byte // of the hashes of people
	Now func() time.Time
}

// Records are all rescues here. Safe for concurrent use.
type Records struct {
	n Needs
	// erasing is held while somebody is taken out of who has what.
	erasing sync.Mutex

	mu sync.Mutex
	by map[string]*opened // by the folder
}

// New makes it.
func New(n Needs) *Records { return &Records{n: n, by: map[string]*opened{}} }

// DB is where they lie.
func (r *Records) DB() *db.DB { return r.n.DB }

// Now is this moment.
func (r *Records) Now() core.Moment { return core.At(r.n.Now()) }

// Folder is where a rescue lies.
func (r *Records) Folder(owner core.MemberID, service string) string {
	return filepath.Join(r.n.Dir, string(owner), service)
}

// FilesOf is where its restored files lie.
func (r *Records) FilesOf(owner core.MemberID, service string) string {
	return filepath.Join(r.Folder(owner, service), "files")
}

func (r *Records) hash(owner core.MemberID, text string) string {
	h := hmac.New(sha256.New, r.n.Key)
	fmt.Fprintf(h, "%s\x00%s", owner, text)
	return hex.EncodeToString(h.Sum(nil))
}

// WhoMail is who has an address at an owner's services.
func (r *Records) WhoMail(owner core.MemberID, mail string) string {
	if kept, err := address.Mail(mail); err == nil {
		mail = kept
	}
	return r.hash(owner, "mail "+strings.ToLower(strings.TrimSpace(mail)))
}

// who are the names that a person comes in by: their address, and their name in the service.
func (r *Records) who(owner core.MemberID, service string, p whose.Person) []string {
	all := []string{r.WhoUser(owner, service, p.User)}
	if p.Mail != "" {
		all = append(all, r.WhoMail(owner, p.Mail))
	}
	return all
}

// WhoUser is who has a name in a service.
func (r *Records) WhoUser(owner core.MemberID, service, user string) string {
	return r.hash(owner, "user "+service+"/"+user)
}

// layout is what lies beside the files: who has what.
type layout struct {
	People []whose.Person `json:"people"`
	Shares []whose.Share  `json:"shares"`
	Shut   []string       `json:"shut"` // paths that stay shut, whoever is erased
}

const layoutName = "people.json"

// WriteLayout keeps who has what beside a rescue's files.
func (r *Records) WriteLayout(owner core.MemberID, service string, people []whose.Person, shares []whose.Share) error {
	_, shut, _ := whose.Resolve(service, people, shares, nil)
	return r.writeLayout(owner, service, layout{people, shares, shut})
}

func (r *Records) writeLayout(owner core.MemberID, service string, l layout) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	path := filepath.Join(r.Folder(owner, service), layoutName)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.by, path) // a disk's clock may be too coarse to tell it from the one before
	return disk.Replace(path, text)
}

// opened is a rescue's layout in memory.
type opened struct {
	stamp time.Time
	layout
	items  []whose.Item
	hidden whose.Hidden
	byWho  map[string][]int // people by who
}

// layoutOf reads who has what; it is kept until the file changes.
func (r *Records) layoutOf(owner core.MemberID, service string) (*opened, error) {
	path := filepath.Join(r.Folder(owner, service), layoutName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, core.NotFound("succession.rescue.unknown", err).With("Service", service).With("Member", string(owner))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.by[path]; o != nil && o.stamp.Equal(info.ModTime()) {
		return o, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read who has what: %w", err)
	}
	var l layout
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("read who has what: %w", err)
	}
	o := &opened{stamp: info.ModTime(), layout: l, byWho: map[string][]int{}}
	o.items, o.Shut, o.hidden = whose.Resolve(service, l.People, l.Shares, l.Shut)
	for i, p := range l.People {
		for _, who := range r.who(owner, service, p) {
			o.byWho[who] = append(o.byWho[who], i)
		}
	}
	r.by[path] = o
	return o, nil
}

// Layout says who has what in a rescue, and what nobody is shown. Returns CodeNotFound
// "succession.rescue.unknown".
func (r *Records) Layout(owner core.MemberID, service string) (people []whose.Person, shares []whose.Share, items []whose.Item, hidden whose.Hidden, err error) {
	o, err := r.layoutOf(owner, service)
	if err != nil {
		return nil, nil, nil, hidden, err
	}
	return o.People, o.Shares, o.items, o.hidden, nil
}

// Mine are the items of somebody in all services of an owner that are shown; of nobody, who is
// empty, those of everybody.
func (r *Records) Mine(ctx context.Context, owner core.MemberID, who string) (out []Owned, err error) {
	all, err := r.List(ctx, owner)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if !one.Shown(r.Now()) {
			continue
		}
		o, err := r.layoutOf(owner, one.Service)
		if err != nil {
			return nil, err
		}
		users := map[string]bool{}
		for _, i := range o.byWho[who] {
			users[o.People[i].User] = true
		}
		for _, it := range o.items {
			if who == "" && it.Public || who != "" && users[it.User] {
				out = append(out, Owned{it, r.FilesOf(owner, one.Service)})
			}
		}
	}
	return out, nil
}

// Person finds somebody in the services of an owner that are shown: how they are written to. ok
// is false for nobody.
func (r *Records) Person(ctx context.Context, owner core.MemberID, who string) (p whose.Person, ok bool, err error) {
	all, err := r.List(ctx, owner)
	for _, one := range all {
		if !one.Shown(r.Now()) {
			continue
		}
		o, err := r.layoutOf(owner, one.Service)
		if err != nil {
			return p, false, err
		}
		if some := o.byWho[who]; len(some) > 0 {
			return o.People[some[0]], true, nil
		}
	}
	return p, false, err
}

// Get is one rescue. Returns CodeNotFound "succession.rescue.unknown".
func (r *Records) Get(ctx context.Context, owner core.MemberID, service string) (Rescue, error) {
	one, err := get(ctx, r.n.DB, owner, service)
	if errors.Is(err, db.ErrNoRow) {
		err = core.NotFound("succession.rescue.unknown", err).With("Service", service).With("Member", string(owner))
	}
	return one, err
}

// List lists the rescues of an owner's services; of all owners for "".
func (r *Records) List(ctx context.Context, owner core.MemberID) ([]Rescue, error) {
	return list(ctx, r.n.DB, owner)
}

// Put keeps a rescue in the place of what was kept of it.
func (r *Records) Put(ctx context.Context, one Rescue) error { return put(ctx, r.n.DB, one) }

// Counted is how often something was done.
type Counted struct {
	What string `json:"what"`
	N    int64  `json:"n"`
}

// Count counts one more; n may be a number of bytes.
func (r *Records) Count(ctx context.Context, owner core.MemberID, what string, n int64) error {
	return count(ctx, r.n.DB, owner, what, n)
}

// Visited counts a person, once.
func (r *Records) Visited(ctx context.Context, owner core.MemberID, who string) error {
	return visited(ctx, r.n.DB, owner, who)
}

// Counts are what was read of an owner's services, and by how many people.
func (r *Records) Counts(ctx context.Context, owner core.MemberID) (all []Counted, people int64, err error) {
	if all, err = counts(ctx, r.n.DB, owner); err != nil {
		return nil, 0, err
	}
	people, err = visitors(ctx, r.n.DB, owner)
	return all, people, err
}

// Rate is how many bytes a second were fetched and restored here last; 0 = never measured.
func Rate(all []Rescue) (fetch, restore int64) {
	var at core.Moment
	for _, r := range all {
		if r.FetchMS > 0 && r.RestoreMS > 0 && cmp.Compare(r.Since, at) > 0 {
			at, fetch, restore = r.Since, r.FetchBytes*1000/r.FetchMS, r.Bytes*1000/r.RestoreMS
		}
	}
	return fetch, restore
}
