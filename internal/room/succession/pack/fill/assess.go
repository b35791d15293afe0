package fill

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
)

// draft is a pack in the making: what people wrote, what the machine found, and what lacks.
type draft struct {
	folder

	service string
	at      core.Moment // when it was begun: what is found is found then
	program string
	version string
	backups []string
	gaps    []pack.Gap
	found   map[pack.Name]finding
	// wrote is the SHA-256 of what people wrote of an item: when it changes, somebody looked.
	wrote map[pack.Name]string
}

// finding is what proves an item. The zero value proves nothing.
type finding struct {
	at    core.Moment // 0 = nothing was proved
	tookS int64
	how   string
	note  string
}

// collector looks at each item.
type collector struct{ *Filler }

func (d *draft) lacks(item pack.Name, file, line string) {
	d.gaps = append(d.gaps, pack.Gap{Item: item, File: file, Text: line})
}

// facts puts what is known of an item into the sealed file.
func (d *draft) facts(item pack.Name, v any) error {
	text, err := wire.Encode(v)
	if err == nil {
		d.files[string(item)+"/"+string(item)+".json"] = text
	}
	return err
}

// draft reads the folder of a service and asks the other rooms. With network, addresses and the
// registry are asked too.
func (s *Filler) draft(ctx context.Context, service string, network bool) (d *draft, err error) {
	d = &draft{service: service, at: s.now(), found: map[pack.Name]finding{}, wrote: map[pack.Name]string{}}
	if d.folder, err = s.readFolder(service); err != nil {
		return nil, err
	}
	d.gaps = openSettings(d.text)
	for _, item := range written() {
		name := string(item) + "/" + string(item) + ".md"
		text, ok := d.files[name]
		if !ok || strings.TrimSpace(string(text)) == "" {
			d.lacks(item, path.Base(name), "")
		}
		d.gaps = append(d.gaps, openText(item, path.Base(name), text)...)
	}
	n, err := s.n.Promises.Last(ctx, s.self(), service)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, err
	}
	d.backups = n.Backups
	look := collector{s}
	for _, one := range []func(context.Context, *draft, bool) error{
		look.lookManifest, look.lookDomain, look.lookData, look.lookSecrets, look.lookRunbook, look.lookConfig, look.lookChecks, look.lookUsers,
	} {
		if err := one(ctx, d, network); err != nil {
			return nil, err
		}
	}
	if d.Clause == "" {
		d.lacks(pack.Legal, settingsName, `clause = "..."`)
	}
	d.hashWritten()
	return d, nil
}

// hashWritten notes what people wrote of each item that a person proves by writing.
func (d *draft) hashWritten() {
	for _, item := range []pack.Name{pack.Manifest, pack.Domain, pack.Config, pack.People, pack.Legal, pack.Limits, pack.After} {
		sum, _ := d.files.Sums(item)
		if item == pack.Legal {
			both := sha256.Sum256([]byte(sum + d.Clause))
			sum = hex.EncodeToString(both[:])
		}
		d.wrote[item] = sum
	}
}

func (s collector) lookManifest(ctx context.Context, d *draft, _ bool) error {
	program, version, err := s.running(ctx, d.service)
	if err != nil {
		return err
	}
	d.program, d.version = d.Program, d.Version
	if d.program == "" {
		d.lacks(pack.Manifest, settingsName, `program = "..."`)
	}
	switch {
	case d.version == "" && version == "":
		d.lacks(pack.Manifest, settingsName, `version = "..."`)
	case d.version == "":
		d.version, d.found[pack.Manifest] = version, finding{at: d.at, how: pack.ByVersion, note: short(program + " " + version)}
	case version == d.version:
		d.found[pack.Manifest] = finding{at: d.at, how: pack.ByVersion, note: short(program + " " + version)}
	case version != "":
		d.lacks(pack.Manifest, settingsName, `version = "`+version+`"`)
	}
	if len(d.Order) == 0 {
		d.lacks(pack.Manifest, settingsName, `order = ["..."]`)
	}
	return d.facts(pack.Manifest, map[string]any{"service": d.service, "program": d.program, "version": d.version, "order": some(d.Order)})
}

// running is what watch says that runs, or what our catalogue says; empty = nobody knows.
func (s collector) running(ctx context.Context, service string) (program, version string, err error) {
	title := service
	if offers, ok := find[Offers](s.Filler); ok {
		err = offers.EachService(ctx, func(name, is, p, v, _, _ string) error {
			if name == service {
				title, program, version = is, p, v
			}
			return nil
		})
	}
	if looks, ok := find[Looks](s.Filler); ok && err == nil {
		err = looks.EachProgram(ctx, func(of, p, v string) error {
			if (of == service || of == title) && v != "" {
				program, version = p, v
			}
			return nil
		})
	}
	return short(program), short(version), err
}

func short(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	return strings.ToValidUTF8(text[:min(len(text), 100)], "")
}

// some is a list that JSON writes as one, be it empty.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func (s collector) lookDomain(ctx context.Context, d *draft, network bool) error {
	if d.Domain.Name == "" {
		d.lacks(pack.Domain, settingsName, `[domain] name = "..."`)
	}
	facts := map[string]any{"name": d.Domain.Name, "registrar": d.Domain.Registrar, "ttl_s": d.Domain.TTLS}
	if registry, ok := find[Registry](s.Filler); ok && network && d.Domain.Name != "" {
		ends, err := registry.Expiry(ctx, d.Domain.Name)
		if err != nil && core.CodeOf(err) != core.CodeUnsure {
			return err
		}
		if err == nil && ends != 0 {
			d.found[pack.Domain] = finding{at: d.at, how: pack.ByRDAP, note: ends.Time().Format(time.DateOnly)}
		}
	}
	return d.facts(pack.Domain, facts)
}

func (s collector) lookData(ctx context.Context, d *draft, _ bool) error {
	type saved struct {
		Backup string      `json:"backup"`
		Bytes  int64       `json:"bytes"`
		Newest core.Moment `json:"newest_us"`
	}
	all := []saved{}
	if d.service != promise.Accounts && len(d.backups) == 0 {
		d.lacks(pack.Data, "", "entrechat succession name "+d.service+" --to MEMBER --backup BACKUP")
	}
	vault, ok := find[Backups](s.Filler)
	for _, name := range d.backups {
		if !ok {
			break
		}
		size, newest, err := vault.Saved(ctx, name)
		if core.CodeOf(err) == core.CodeNotFound {
			d.lacks(pack.Data, "", "entrechat vault create "+name)
			continue
		}
		if err != nil {
			return err
		}
		if newest == 0 {
			d.lacks(pack.Data, "", "entrechat vault env "+name)
		}
		all = append(all, saved{name, size, newest})
	}
	restores, err := s.n.Packs.Restores(ctx, s.self(), d.service)
	if err != nil {
		return err
	}
	for _, r := range restores {
		if r.Equal() && r.At > d.found[pack.Data].at && r.At <= d.at {
			d.found[pack.Data] = finding{at: r.At, tookS: r.TookS, how: pack.ByRestore, note: short(r.Snapshot)}
		}
	}
	layout, err := pack.EncodeLayout(d.Shares)
	if err != nil {
		return err
	}
	d.files[pack.LayoutName] = layout
	return d.facts(pack.Data, map[string]any{"backups": all})
}

func (s collector) lookSecrets(_ context.Context, d *draft, _ bool) error {
	type hashed struct {
		Name   string `json:"name"`
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
		Box    string `json:"box"`
	}
	all := []hashed{}
	for _, f := range d.Secrets.Files {
		text, err := readPlain(f.Path)
		if err != nil || f.Name == "" || f.Box == "" {
			d.lacks(pack.Secrets, settingsName, "[[secrets.file]] name, path, box: "+short(f.Path))
			continue
		}
		sum := sha256.Sum256(text)
		all = append(all, hashed{f.Name, f.Path, hex.EncodeToString(sum[:]), f.Box})
	}
	if len(d.Secrets.Files) == 0 && !d.Secrets.None {
		d.lacks(pack.Secrets, settingsName, "[[secrets.file]]")
	}
	d.found[pack.Secrets] = finding{at: d.at, how: pack.ByHash}
	return d.facts(pack.Secrets, map[string]any{"files": all})
}

// readPlain reads a regular file of this machine whose whole path is named.
func readPlain(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		return nil, errors.New("no whole path")
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, errors.New("no file, or a too large one")
	}
	return os.ReadFile(name)
}

func (s collector) lookRunbook(ctx context.Context, d *draft, _ bool) error {
	drills, ok := find[Drills](s.Filler)
	if !ok || d.Runbook.Name == "" {
		return nil
	}
	at, took, err := drills.Drilled(ctx, d.Runbook.Name)
	switch core.CodeOf(err) {
	case "":
	case core.CodeNotFound, core.CodeConflict:
		d.lacks(pack.Runbook, settingsName, `[runbook] name = "..."`)
		return nil
	default:
		return err
	}
	if at != 0 {
		d.found[pack.Runbook] = finding{at: at, tookS: int64(took.Seconds()), how: pack.ByDrill}
	}
	return nil
}

func (s collector) lookConfig(_ context.Context, d *draft, _ bool) error {
	for _, name := range d.Config.Files {
		text, err := readPlain(name)
		as := "config/files" + filepath.ToSlash(filepath.Clean(name))
		if err != nil || !pack.ValidName(as) {
			d.lacks(pack.Config, settingsName, "[config] files: "+short(name))
			continue
		}
		d.files[as] = text
	}
	if sum, _ := d.files.Sums(pack.Config); sum == "" {
		d.lacks(pack.Config, settingsName, `[config] files = ["/etc/..."]`)
	}
	d.found[pack.Config] = finding{at: d.at, how: pack.ByHash}
	return nil
}

func (s collector) lookUsers(ctx context.Context, d *draft, _ bool) error {
	people, err := s.people(ctx, d)
	if errors.Is(err, errNoPeople) {
		d.lacks(pack.Users, settingsName, `[users] csv = "..."`)
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(people, func(a, b pack.Person) int { return strings.Compare(a.User, b.User) })
	text, err := pack.EncodePeople(people)
	if err != nil {
		return err
	}
	d.files[pack.PeopleName] = text
	if err := s.accounts(ctx, d); err != nil {
		return err
	}
	d.found[pack.Users] = finding{at: d.at, how: pack.ByCount, note: count(len(people))}
	return nil
}

// accounts adds, to the pack of our accounts, what each successor makes them from.
// spec: docs/spec/identity.md#a-home-that-died
func (s collector) accounts(ctx context.Context, d *draft) error {
	left, ok := find[Left](s.Filler)
	if d.service != promise.Accounts || !ok {
		return nil
	}
	named, err := s.n.Promises.Successors(ctx, s.self(), promise.Accounts)
	if err != nil {
		return err
	}
	for _, to := range named {
		text, err := left.AccountsPack(ctx, to)
		if err != nil {
			return err
		}
		d.files["users/accounts/"+strings.ReplaceAll(string(to), ":", "_")+".json"] = text
	}
	return nil
}

var errNoPeople = errors.New("nobody says who uses it")

// people are those of the list that the hoster names, or of its accounts.
func (s collector) people(ctx context.Context, d *draft) (all []pack.Person, err error) {
	if d.Users.CSV != "" {
		name := d.Users.CSV
		if !filepath.IsAbs(name) {
			name = filepath.Join(d.path, name)
		}
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil, errNoPeople
		}
		if err != nil {
			return nil, err
		}
		return pack.ReadCSV(text)
	}
	accounts, ok := find[Accounts](s.Filler)
	if !ok {
		return nil, errNoPeople
	}
	err = accounts.EachPerson(ctx, func(_, handle, mail, lang, choice string) error {
		all = append(all, pack.Person{User: handle, Mail: mail, Lang: lang, Choice: choice})
		return nil
	})
	if err == nil && len(all) == 0 {
		err = errNoPeople
	}
	return all, err
}
