package rescue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/snapshot"
	"entrechat/internal/room/succession/rescue/whose"
)

// Stage is what an opening does now.
type Stage string

// The stages.
const (
	Fetching  Stage = "fetching"
	Restoring Stage = "restoring"
	Settling  Stage = "settling"
)

// Progress is how far an opening is.
type Progress struct {
	Stage Stage
	Done  int64 // bytes fetched
	All   int64 // bytes to fetch or restore, as far as known; 0 = not known
	// Left is how long the stage takes yet, by what was measured; 0 = not known.
	Left time.Duration
}

// Opening is what somebody wants opened.
type Opening struct {
	Owner    core.MemberID
	Service  string
	Pointers [][]byte // of the service's backups
	Snapshot string   // its id begins with it; empty = the newest
	Until    core.Moment
	Drill    bool // into an isolated place, shown to nobody, said to the owner
	Say      func(Progress)
}

// Opened is what came of it.
type Opened struct {
	record.Rescue

	Items    []whose.Item
	Restored pack.Restored // of a drill
	NoMail   int64         // people whom no link can be mailed to
	Removed  int           // links and devices that were left out
}

// pointed is what is read of a pointer here; the vault reads the rest.
type pointed struct {
	Owner    core.MemberID `json:"owner"`
	Backup   string        `json:"backup"`
	Identity string        `json:"identity"`
}

// job is one opening under way.
type job struct {
	*Service
	Opening

	dir      string
	pack     pack.Pack
	contents pack.Contents
	program  string
	pointers []pointed
	out      Opened
}

// Open restores a service and shows it to its people. Done again after it broke off at any moment it
// goes on. Returns CodeDenied "succession.rescue.not_named", "succession.rescue.not_settled" or
// "succession.rescue.owner_heard"; CodeConflict "succession.rescue.running" while another process
// does the same; CodeInvalid for another's pointer; CodeFull where there is too little room; what
// Vault.Inherit and pack.Open return.
func (s *Service) Open(ctx context.Context, o Opening) (out Opened, err error) {
	if o.Until == 0 || o.Until > s.now().Add(record.Longest) {
		o.Until = s.now().Add(record.Longest)
	}
	if err := s.may(ctx, o); err != nil {
		return out, err
	}
	j := &job{Service: s, Opening: o, dir: s.place(o.Owner, o.Service, o.Drill)}
	lock, err := alone(j.dir, o.Service)
	if err != nil {
		return out, err
	}
	defer lock.Close() //nolint:errcheck // nothing is written
	if !o.Drill {
		if one, err := s.Records.Get(ctx, o.Owner, o.Service); err == nil && one.State == record.Open {
			return out, core.Conflict("succession.rescue.is_open", errors.New("open")).With("Service", o.Service)
		}
	}
	if err := j.prepare(ctx); err != nil {
		return out, err
	}
	return j.do(ctx)
}

// alone takes the folder of a rescue until the file is closed. Returns CodeConflict
// "succession.rescue.running" while another process has it.
func alone(dir, service string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of a rescue: %w", err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock a rescue: %w", err)
	}
	if err := disk.TryLock(lock); err != nil {
		return nil, errors.Join(core.Conflict("succession.rescue.running", err).With("Service", service), lock.Close())
	}
	return lock, nil
}

// may says whether we may rescue, or try to, what an opening names.
func (s *Service) may(ctx context.Context, o Opening) error {
	ours, err := s.n.Named.Ours(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(ours, func(n promise.Successor) bool { return n.Owner == o.Owner && n.Service == o.Service })
	switch {
	case at < 0:
		return core.Denied("succession.rescue.not_named", errors.New("not named")).With("Service", o.Service).With("Member", string(o.Owner))
	case o.Drill:
		return nil
	case !s.n.Private && !ours[at].Settled(s.now()):
		return core.Denied("succession.rescue.not_settled", errors.New("named too lately")).With("Member", string(o.Owner)).With("Day", ours[at].Since.Add(promise.Settled))
	}
	_, silent, err := s.n.Silent(ctx, o.Owner)
	if err == nil && !silent {
		err = core.Denied("succession.rescue.owner_heard", errors.New("not silent")).With("Member", string(o.Owner))
	}
	return err
}

// prepare opens the pack and reads the pointers, before anything is fetched.
func (j *job) prepare(ctx context.Context) (err error) {
	if j.program, err = snapshot.Find(); err != nil {
		return err
	}
	if _, ok := j.n.Ask.Vault(); !ok {
		return core.NotFound("succession.rescue.no_vault", errors.New("no vault"))
	}
	held, sealed, err := j.n.Packs.Held(ctx, j.Owner, j.Opening.Service)
	if err != nil {
		return err
	}
	j.pack = held
	for _, text := range j.Pointers {
		var p pointed
		if wire.Peek(text, &p) != nil || p.Owner != j.Owner || !promise.ValidService(p.Backup) {
			return core.Invalid("succession.rescue.other_pointer", errors.New("not of this owner")).With("Member", string(j.Owner))
		}
		j.pointers = append(j.pointers, p)
	}
	if len(j.pointers) == 0 {
		return core.Invalid("succession.rescue.other_pointer", errors.New("none")).With("Member", string(j.Owner))
	}
	return j.openPack(sealed)
}

// openPack opens the sealed file with whichever pointer does.
func (j *job) openPack(path string) (err error) {
	for _, p := range j.pointers {
		identity, bad := age.ParseX25519Identity(p.Identity)
		if bad != nil {
			return core.Invalid("succession.rescue.other_pointer", errors.New("no identity")).With("Member", string(j.Owner))
		}
		f, bad := os.Open(path)
		if bad != nil {
			return fmt.Errorf("open a pack: %w", bad)
		}
		j.contents, err = pack.Open(f, identity)
		_ = f.Close() // it was only read
		if err == nil {
			return nil
		}
	}
	return err
}

// do fetches, restores and shows.
func (j *job) do(ctx context.Context) (Opened, error) {
	one := record.Rescue{Owner: j.Owner, Service: j.Opening.Service, State: record.Restoring, Since: j.now(), Until: j.Until, Pack: j.pack.ID}
	if !j.Drill {
		if err := j.Records.Put(ctx, one); err != nil {
			return j.out, err
		}
	}
	j.out.Rescue = one
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return j.out, fmt.Errorf("make the folder of a rescue: %w", err)
	}
	for i, p := range j.pointers {
		if err := j.restore(ctx, p, j.Pointers[i]); err != nil {
			return j.out, err
		}
	}
	if err := j.counted(); err != nil {
		return j.out, err
	}
	j.Say(Progress{Stage: Settling})
	removed, err := snapshot.Seal(j.files())
	if err != nil {
		return j.out, fmt.Errorf("seal what was restored: %w", err)
	}
	j.out.Removed = removed
	if j.Drill {
		return j.drilled(ctx)
	}
	return j.shown(ctx)
}

func (j *job) files() string { return filepath.Join(j.dir, "files") }

// restore fetches one backup and restores its newest snapshot.
func (j *job) restore(ctx context.Context, p pointed, pointer []byte) error {
	dir := filepath.Join(j.dir, "repo-"+p.Backup)
	password, err := j.fetch(ctx, pointer, dir, p.Backup)
	if err != nil {
		return err
	}
	repo := snapshot.Repository{Program: j.program, Dir: dir, Password: password}
	s, err := repo.Newest(ctx, j.Snapshot)
	if err != nil {
		return err
	}
	_, there, err := snapshot.Count(j.files())
	if err == nil {
		err = j.room(s.Bytes, there)
	}
	if err != nil {
		return err
	}
	all, err := j.Records.List(ctx, "")
	if err != nil {
		return err
	}
	_, rate := record.Rate(all)
	j.Say(Progress{Stage: Restoring, All: s.Bytes, Left: span(s.Bytes, rate)})
	begun := j.n.Now()
	if err := repo.Restore(ctx, s, j.files()); err != nil {
		return err
	}
	j.out.RestoreMS += max(j.n.Now().Sub(begun).Milliseconds(), 1)
	j.out.Bytes, j.out.Files = j.out.Bytes+s.Bytes, j.out.Files+s.Files
	if j.out.AsOf == 0 || s.At < j.out.AsOf {
		j.out.AsOf, j.out.Snapshot = s.At, s.ID
	}
	return nil
}

// fetch has the vault fetch a repository. How fast that goes is measured on the way.
func (j *job) fetch(ctx context.Context, pointer []byte, dir, backup string) (string, error) {
	all, err := j.Records.List(ctx, "")
	if err != nil {
		return "", err
	}
	_, before, err := snapshot.Count(dir)
	if err != nil {
		return "", err
	}
	size, begun := j.size(backup), j.n.Now()
	if err := j.room(size, before); err != nil {
		return "", err
	}
	rate, _ := record.Rate(all)
	j.Say(Progress{Stage: Fetching, Done: before, All: size, Left: span(size-before, rate)})
	vault, _ := j.n.Ask.Vault()
	password, err := vault.Inherit(ctx, pointer, dir, func(_, bytes int64) {
		measured := bytes * int64(time.Second) / max(int64(j.n.Now().Sub(begun)), 1)
		j.Say(Progress{Stage: Fetching, Done: before + bytes, All: size, Left: span(size-before-bytes, measured)})
	})
	if err != nil {
		return "", err
	}
	_, after, err := snapshot.Count(dir)
	j.out.FetchBytes += after - before
	j.out.FetchMS += max(j.n.Now().Sub(begun).Milliseconds(), 1)
	return password, err
}

// size is how large a repository is, as the pack says it; 0 = it does not.
func (j *job) size(backup string) int64 {
	for name, text := range j.contents.Files {
		var facts struct {
			Backups []struct {
				Backup string `json:"backup"`
				Bytes  int64  `json:"bytes"`
			} `json:"backups"`
		}
		if strings.HasPrefix(name, "data/") && wire.Peek(text, &facts) == nil {
			for _, b := range facts.Backups {
				if b.Backup == backup {
					return max(b.Bytes, 0)
				}
			}
		}
	}
	return 0
}

func span(bytes, rate int64) time.Duration {
	if rate <= 0 || bytes <= 0 {
		return 0
	}
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}

// room refuses to fill the disk: there must be 1.3 times as much as is restored.
func (j *job) room(bytes, there int64) error {
	free, err := snapshot.Room(j.dir)
	if err != nil {
		return err
	}
	if need := core.Size(bytes) * 13 / 10; free+core.Size(there) < need {
		return core.Full("succession.rescue.room", errors.New("too little room")).With("Needed", need).With("Free", free+core.Size(there)).With("Dir", j.dir)
	}
	return nil
}

// counted compares what came out with what the snapshot says: restic's own word is not enough.
func (j *job) counted() error {
	files, bytes, err := snapshot.Count(j.files())
	if err == nil && (files < j.out.Files || bytes < j.out.Bytes) {
		err = core.Unsure("succession.rescue.not_equal", fmt.Errorf("%d files of %d, %d bytes of %d", files, j.out.Files, bytes, j.out.Bytes))
	}
	return err
}

func (j *job) people() (people []whose.Person, shares []whose.Share) {
	for _, p := range j.contents.People {
		people = append(people, whose.Person{User: p.User, Mail: p.Mail, Lang: p.Lang, Choice: p.Choice, Names: p.Names})
		if p.Mail == "" {
			j.out.NoMail++
		}
	}
	for _, s := range j.contents.Shares {
		shares = append(shares, whose.Share{Kind: whose.Kind(s.Kind), Path: s.Path, Public: s.Public})
	}
	return people, shares
}

// shown writes who has what, takes back what people had erased, and lets people in.
func (j *job) shown(ctx context.Context) (Opened, error) {
	people, shares := j.people()
	if err := j.Records.WriteLayout(j.Owner, j.Opening.Service, people, shares); err != nil {
		return j.out, err
	}
	if err := j.Records.EraseAgain(ctx, j.Owner, j.Opening.Service); err != nil {
		return j.out, err
	}
	left, _, items, hidden, err := j.Records.Layout(j.Owner, j.Opening.Service)
	if err != nil {
		return j.out, err
	}
	j.out.Items, j.out.People, j.out.Hidden = items, int64(len(left)), int64(hidden.All())
	for _, p := range j.pointers {
		if err := removeWhole(filepath.Join(j.dir, "repo-"+p.Backup)); err != nil {
			return j.out, fmt.Errorf("remove what was restored from: %w", err)
		}
	}
	// The owner may have come back meanwhile: restoring takes hours.
	if err := j.may(ctx, j.Opening); err != nil {
		return j.out, err
	}
	// Said before it is shown: nobody reads what no logbook says is read.
	if err := j.n.said(ctx, TypeRescue, saidRescue{j.Owner, j.Opening.Service, j.out.Since, j.out.Until}); err != nil {
		return j.out, err
	}
	j.out.State = record.Open
	return j.out, j.Records.Put(ctx, j.out.Rescue)
}

// saidRescue is the body of the entry that a service is readable here.
type saidRescue struct {
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	Since   core.Moment   `json:"since_us"`
	Until   core.Moment   `json:"until_us"`
}

func (n Needs) said(ctx context.Context, typ string, body any) error {
	_, err := n.Book.Append(ctx, typ, nil, 0, body)
	return err
}

// drilled says to the owner that its service was restored here, and erases it.
func (j *job) drilled(ctx context.Context) (Opened, error) {
	people, shares := j.people()
	items, _, hidden := whose.Resolve(j.Opening.Service, people, shares, nil)
	j.out.Items, j.out.People, j.out.Hidden = items, int64(len(people)), int64(hidden.All())
	files, bytes, err := snapshot.Count(j.files())
	if err != nil {
		return j.out, err
	}
	j.out.Restored, err = j.n.Packs.Restored(ctx, pack.Restored{
		Owner: j.Owner, Service: j.Opening.Service, Snapshot: j.out.Snapshot, Bytes: bytes, Files: files, TookS: (j.out.FetchMS + j.out.RestoreMS + 999) / 1000,
		Counts: []pack.Count{{What: "files", From: j.out.Files, To: files}, {What: "bytes", From: j.out.Bytes, To: bytes}},
	})
	if err != nil {
		return j.out, err
	}
	return j.out, snapshot.Remove(j.dir)
}

// removeWhole removes a folder under another name: half of it, after a kill, is not taken for
// what was there. What an earlier one left goes too.
func removeWhole(dir string) error {
	gone := dir + ".gone"
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := os.Rename(dir, gone); err != nil { //nolint:forbidigo // a folder on its way out, no file to keep
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.RemoveAll(gone)
}
