package fill

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
)

// renew is after how long a pack is made anew though nothing changed: its proofs are newer.
const renew = 30 * day

// Create makes the folder of a service for people to fill in, with what the node knows already;
// what is there stays. made are the names of the new files. Returns CodeInvalid
// "succession.pack.bad_service".
func (s *Filler) Create(ctx context.Context, service string) (dir string, made []string, err error) {
	if !promise.ValidService(service) {
		return "", nil, core.Invalid("succession.pack.bad_service", errors.New("no name of a service"))
	}
	known := prefill{Service: service}
	title := service
	if offers, ok := find[Offers](s); ok {
		err = offers.EachService(ctx, func(name, is, program, _, website, terms string) error {
			if name == service {
				title, known.Program, known.Terms, known.Domain = is, program, terms, hostOf(website)
				if website != "" {
					known.Checks = append(known.Checks, website)
				}
			}
			return nil
		})
	}
	if looks, ok := find[Looks](s); ok && err == nil {
		err = looks.EachTarget(ctx, func(of, address string) error {
			if (of == service || of == title) && strings.Contains(address, "://") && !slices.Contains(known.Checks, address) && len(known.Checks) < 20 {
				known.Checks = append(known.Checks, address)
			}
			return nil
		})
	}
	if err != nil {
		return "", nil, err
	}
	if known.Domain == "" {
		known.Domain, _, _ = strings.Cut(string(s.self()), ":")
	}
	if known.Order = []string{known.Program}; known.Program == "" && service == promise.Accounts {
		known.Program, known.Order = "entrechat", []string{"entrechat"}
	}
	dir = s.folderOf(service)
	made, err = writeFolder(dir, s.n.Lang, known)
	return dir, made, err
}

func hostOf(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":")
	return host
}

// Seen is that a person looked an item over, or did it; Took is how long it took, where that
// counts.
type Seen struct {
	Item pack.Name
	Took time.Duration
}

// ParseSeen reads "legal", or "runbook=2h30m". Returns CodeInvalid "succession.pack.bad_seen".
func ParseSeen(text string) (Seen, error) {
	name, span, timed := strings.Cut(text, "=")
	out := Seen{Item: pack.Name(name)}
	var err error
	if timed {
		out.Took, err = time.ParseDuration(span)
	}
	if err != nil || out.Took < 0 || out.Took > 30*day || !slices.Contains(pack.Names(), out.Item) {
		return out, core.Invalid("succession.pack.bad_seen", fmt.Errorf("%.40q", text)).With("Value", short(text))
	}
	return out, nil
}

// Check proves again what the machine can, notes what people looked over, and makes the pack
// when it changed. A pack with gaps is made too: a successor has what there is. It is not made
// where nothing can be sealed, see View.Unsealed.
func (s *Filler) Check(ctx context.Context, service string, seen []Seen) (pack.View, error) {
	if _, err := s.readFolder(service); err != nil {
		return pack.View{}, err
	}
	err := disk.Alone(ctx, filepath.Join(s.folderOf(service), ".lock"), func() error { return s.check(ctx, service, seen) })
	if err != nil {
		return pack.View{}, err
	}
	return s.Show(ctx, service)
}

func (s *Filler) check(ctx context.Context, service string, seen []Seen) error {
	d, err := s.draft(ctx, service, true)
	if err != nil {
		return err
	}
	if err := s.prove(ctx, d, seen); err != nil {
		return err
	}
	recipient, err := s.recipient(ctx, d)
	if err != nil || recipient == "" {
		return err
	}
	return s.seal(ctx, d, recipient, len(seen) > 0)
}

// prove notes what holds as of now: what the machine found, what people wrote anew, and what they
// say they saw. An older proof never takes the place of a newer one.
func (s *Filler) prove(ctx context.Context, d *draft, seen []Seen) error {
	before, err := proofsOf(ctx, s.n.DB, d.service)
	if err != nil {
		return err
	}
	for _, item := range pack.Names() {
		next := d.proved(item, before[item], seen)
		if next == before[item] || next.proved == 0 {
			continue
		}
		if err := putProof(ctx, s.n.DB, d.service, next); err != nil {
			return err
		}
	}
	return nil
}

// proved is the newest proof of an item.
func (d *draft) proved(item pack.Name, next proof, seen []Seen) proof {
	next.item = item
	if wrote, is := d.wrote[item]; is && wrote != next.sha256 {
		next = proof{item, wrote, d.at, 0, pack.BySaid, ""}
	}
	f := d.found[item]
	if f.at != 0 && f.at >= next.proved {
		next.proved, next.how, next.note = f.at, f.how, f.note
		if f.tookS > 0 {
			next.tookS = f.tookS
		}
	}
	for _, one := range seen {
		if one.Item != item || f.at >= d.at {
			continue
		}
		next.proved, next.how, next.note = d.at, pack.BySaid, ""
		if one.Took > 0 {
			next.tookS = int64(one.Took.Seconds())
		}
	}
	return next
}

// items are the 12 as the document says them.
func (s *Filler) items(ctx context.Context, d *draft) ([]pack.Item, error) {
	proofs, err := proofsOf(ctx, s.n.DB, d.service)
	out := make([]pack.Item, 0, len(pack.Names()))
	for _, name := range pack.Names() {
		i := pack.Item{Name: name, State: pack.There, Proved: proofs[name].proved, TookS: proofs[name].tookS, How: proofs[name].how, Note: proofs[name].note}
		i.SHA256, i.Bytes = d.files.Sums(name)
		if slices.ContainsFunc(d.gaps, func(g pack.Gap) bool { return g.Item == name }) {
			i.State = pack.Missing
		}
		out = append(out, i)
	}
	return out, err
}

// recipient is what the pack is sealed to; empty while there is nothing that opens it.
func (s *Filler) recipient(ctx context.Context, d *draft) (string, error) {
	if d.service == promise.Accounts {
		key, err := s.accountsKey()
		if err != nil {
			return "", err
		}
		return key.Recipient().String(), nil
	}
	vault, ok := find[Backups](s)
	if !ok || len(d.backups) == 0 {
		return "", nil
	}
	text, err := vault.Recipient(ctx, d.backups[0])
	if core.CodeOf(err) == core.CodeNotFound {
		return "", nil
	}
	return text, err
}

// contentOf says whether a pack changed: all of it but what moves each day by itself.
func contentOf(files pack.Files, p pack.Pack) (string, error) {
	files = maps.Clone(files)
	delete(files, "data/data.json")
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		one := sha256.Sum256(files[name])
		_, _ = fmt.Fprintf(all, "%x  %s\n", one, name) // a hash takes everything
	}
	states := make([]string, 0, len(p.Items))
	for _, i := range p.Items {
		states = append(states, string(i.Name)+" "+i.State+" "+i.How)
	}
	text, err := wire.Encode(map[string]any{"program": p.Program, "version": p.Version, "clause": p.Clause, "recipient": p.Recipient, "states": states})
	_, _ = all.Write(text)
	return hex.EncodeToString(all.Sum(nil)), err
}

// seal makes and signs the next pack, if it differs from the last one, or the last is old, or a
// person proved something since.
func (s *Filler) seal(ctx context.Context, d *draft, recipient string, asked bool) error {
	items, err := s.items(ctx, d)
	if err != nil {
		return err
	}
	p := pack.Pack{Service: d.service, Made: s.now(), Program: d.program, Version: d.version, Clause: d.Clause, Items: items, Recipient: recipient}
	content, err := contentOf(d.files, p)
	if err != nil {
		return err
	}
	last, before, whole, err := s.n.Packs.Last(ctx, d.service)
	if err != nil {
		return err
	}
	if last.Number > 0 && before == content && whole && s.now().Sub(last.Made) < renew && !asked {
		return nil
	}
	p.Number = last.Number
	p.Number++
	sealed, err := pack.Seal(d.files, recipient)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(sealed)
	p.Sealed, p.SealedBytes = hex.EncodeToString(sum[:]), int64(len(sealed))
	if p, err = pack.Sign(p, s.n.Signer); err != nil {
		return err
	}
	return s.n.Packs.Put(ctx, p, content, sealed)
}

// Services are ours that have a folder, by name.
func (s *Filler) Services() (all []string, err error) {
	entries, err := os.ReadDir(s.n.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if _, bad := os.Stat(filepath.Join(s.n.Dir, e.Name(), settingsName)); bad == nil && promise.ValidService(e.Name()) {
			all = append(all, e.Name())
		}
	}
	return all, err
}

// Jobs prove our packs again.
func (s *Filler) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "succession-packs", Every: day, Jitter: time.Hour, Run: s.CheckAll}}
}

// CheckAll is Check for every service with a folder. What is wrong with one stops no other.
func (s *Filler) CheckAll(ctx context.Context) error {
	services, err := s.Services()
	for _, service := range services {
		if _, bad := s.Check(ctx, service, nil); bad != nil {
			s.n.Log.Warn("a pack cannot be proved again", "service", service, "error", bad)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return err
}
