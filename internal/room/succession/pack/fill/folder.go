package fill

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
)

//go:embed template
var templates embed.FS

const (
	settingsName = "pack.toml"
	// unfilled marks what people still have to write.
	unfilled = "[?]"
	maxFile  = 16 << 20 // of one file that goes with a pack, in bytes
)

// settings is what pack.toml says.
type settings struct {
	Program string   `toml:"program"`
	Version string   `toml:"version"`
	Order   []string `toml:"order"`
	Clause  string   `toml:"clause"`
	Domain  struct {
		Name      string `toml:"name"`
		Registrar string `toml:"registrar"`
		TTLS      int64  `toml:"ttl_s"`
	} `toml:"domain"`
	Secrets struct {
		None  bool         `toml:"none"`
		Files []secretFile `toml:"file"`
	} `toml:"secrets"`
	Runbook struct {
		Name string `toml:"name"`
	} `toml:"runbook"`
	Config struct {
		Files []string `toml:"files"`
	} `toml:"config"`
	Checks []struct {
		Address string `toml:"address"`
	} `toml:"check"`
	Legal struct {
		Terms string `toml:"terms"`
	} `toml:"legal"`
	Users struct {
		CSV string `toml:"csv"`
	} `toml:"users"`
	Shares []pack.Share `toml:"share"`
}

// secretFile names a secret that a box of custody has.
type secretFile struct {
	Name string `toml:"name"`
	Path string `toml:"path"`
	Box  string `toml:"box"`
}

// folder is what people wrote of a service.
type folder struct {
	settings

	path  string
	text  []byte     // pack.toml as it stands
	files pack.Files // those beside it, as the sealed file names them
}

// written are the items that are a text of people, ITEM.md.
func written() []pack.Name {
	return []pack.Name{pack.Runbook, pack.People, pack.Legal, pack.Limits, pack.After}
}

func (s *Filler) folderOf(service string) string { return filepath.Join(s.n.Dir, service) }

// readFolder reads what people wrote. Returns CodeNotFound "succession.pack.no_folder",
// CodeInvalid "succession.pack.bad_settings" with what is wrong.
func (s *Filler) readFolder(service string) (f folder, err error) {
	if !promise.ValidService(service) {
		return f, core.Invalid("succession.pack.bad_service", errors.New("no name of a service"))
	}
	f.path = s.folderOf(service)
	f.text, err = os.ReadFile(filepath.Join(f.path, settingsName))
	if errors.Is(err, fs.ErrNotExist) {
		return f, core.NotFound("succession.pack.no_folder", err).With("Service", service)
	}
	if err != nil {
		return f, err
	}
	d := toml.NewDecoder(bytes.NewReader(f.text)).DisallowUnknownFields()
	if err := d.Decode(&f.settings); err != nil {
		return f, f.wrong(err)
	}
	if err := pack.CheckShares(f.Shares); err != nil {
		return f, f.wrong(errors.New("[[share]]: kind or path"))
	}
	f.files, err = readBeside(f.path)
	return f, err
}

func (f folder) wrong(err error) error {
	line, what := 0, err.Error()
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ = at.Position()
	}
	if at, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(at.Errors) > 0 {
		line, _ = at.Errors[0].Position()
		what = strings.Join(at.Errors[0].Key(), ".")
	}
	return core.Invalid("succession.pack.bad_settings", err).With("Path", filepath.Join(f.path, settingsName)).With("Line", line).With("What", what)
}

// readBeside reads ITEM.md and the regular files below ITEM/. A link is not followed: it may
// lead anywhere.
func readBeside(dir string) (pack.Files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read
	files, total := pack.Files{}, 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		item, _, below := strings.Cut(name, "/")
		if err != nil || d.IsDir() {
			if err == nil && name != "." && !slices.Contains(pack.Names(), pack.Name(item)) {
				return fs.SkipDir
			}
			return err
		}
		as := name
		if base, is := strings.CutSuffix(name, ".md"); is && !below {
			as = base + "/" + name
		}
		if !d.Type().IsRegular() || strings.HasSuffix(name, "~") || strings.HasPrefix(d.Name(), ".") || !pack.ValidName(as) {
			return nil
		}
		text, err := readBounded(root.FS(), name)
		files[as] = text
		if total += len(text); total > pack.MaxPlain {
			return pack.TooLarge(errors.New("too many bytes"))
		}
		return err
	})
	return files, err
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, pack.TooLarge(fmt.Errorf("%d bytes", info.Size()))
	}
	return fs.ReadFile(fsys, name)
}

// openText are the lines of a text that are not filled in.
func openText(item pack.Name, file string, text []byte) (gaps []pack.Gap) {
	for n, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, unfilled) {
			gaps = append(gaps, pack.Gap{Item: item, File: file, Line: n + 1, Text: strings.TrimSpace(line)})
		}
	}
	return gaps
}

// sectionItem is which item a line of pack.toml is about.
func sectionItem(section string) pack.Name {
	switch section {
	case "domain":
		return pack.Domain
	case "secrets", "secrets.file":
		return pack.Secrets
	case "runbook":
		return pack.Runbook
	case "config":
		return pack.Config
	case "check":
		return pack.Checks
	case "legal":
		return pack.Legal
	case "users":
		return pack.Users
	case "share":
		return pack.Data
	}
	return pack.Manifest
}

// openSettings are the lines of pack.toml that are not filled in.
func openSettings(text []byte) (gaps []pack.Gap) {
	section := ""
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, unfilled) {
			section = strings.Trim(line, "[] ")
		}
		if !strings.HasPrefix(line, "#") && strings.Contains(line, unfilled) {
			gaps = append(gaps, pack.Gap{Item: sectionItem(section), File: settingsName, Line: n + 1, Text: line})
		}
	}
	return gaps
}

// prefill is what the node knows of a service before anybody writes.
type prefill struct {
	Service, Program, Domain, Terms string
	Order, Checks                   []string
}

// writeFolder makes the folder of a service. A file that is there stays as it is; made are the
// names of those that were not.
func writeFolder(dir, lang string, known prefill) (made []string, err error) {
	if lang != "fr" {
		lang = "en"
	}
	if err := os.MkdirAll(filepath.Join(dir, string(pack.Config)), 0o700); err != nil {
		return nil, err
	}
	names, err := fs.Glob(templates, path.Join("template", lang, "*"))
	if err != nil {
		return nil, err
	}
	functions := template.FuncMap{"quote": quote, "list": list}
	for _, name := range names {
		t, err := template.New(path.Base(name)).Funcs(functions).ParseFS(templates, name)
		if err != nil {
			return nil, fmt.Errorf("the template of %s: %w", name, err)
		}
		var text bytes.Buffer
		if err := t.Execute(&text, known); err != nil {
			return nil, fmt.Errorf("the template of %s: %w", name, err)
		}
		err = disk.Create(filepath.Join(dir, path.Base(name)), text.Bytes())
		if err == nil {
			made = append(made, path.Base(name))
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return made, nil
}

// quote writes a TOML string; JSON's are some. What is not known has to be filled in.
func quote(text string) (string, error) {
	if text == "" {
		text = unfilled
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(out.String()), err
}

func list(all []string) (string, error) {
	out := make([]string, 0, len(all))
	for _, one := range all {
		text, err := quote(one)
		if err != nil {
			return "", err
		}
		out = append(out, text)
	}
	return "[" + strings.Join(out, ", ") + "]", nil
}
