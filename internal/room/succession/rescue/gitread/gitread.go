package gitread

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/room/succession/rescue/whose"
)

// asks is all that a client may ask of a repository.
var asks = regexp.MustCompile(`^(.*?)/?(HEAD|info/refs|objects/info/packs|objects/[0-9a-f]{2}/[0-9a-f]{38,62}|objects/pack/pack-[0-9a-f]{40,64}\.(?:pack|idx))$`)

var (
	refLine  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})[ \t](refs/[^\x00-\x20~^:?*\\\[]+)$`)
	oid      = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	packFile = regexp.MustCompile(`^pack-[0-9a-f]{40,64}\.pack$`)
)

// Is says whether a folder of a view is a repository.
func Is(v whose.View, at string) bool {
	for _, sub := range []string{"objects", "refs"} {
		if info, err := v.Stat(path.Join(at, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	info, err := v.Stat(path.Join(at, "HEAD"))
	return err == nil && !info.IsDir()
}

// Repositories finds them in a view, three folders deep, most at most.
func Repositories(v whose.View, most int) []string {
	var out []string
	var look func(at string, deep int)
	look = func(at string, deep int) {
		if len(out) >= most {
			return
		}
		if Is(v, at) {
			out = append(out, at)
			return
		}
		if Is(v, path.Join(at, ".git")) {
			out = append(out, path.Join(at, ".git"))
			return
		}
		list, _, _, err := v.List(at, 0, 1000)
		if err != nil || deep == 0 {
			return
		}
		for _, e := range list {
			if e.Dir {
				look(path.Join(at, e.Name), deep-1)
			}
		}
	}
	look("", 3)
	return out
}

// Serve answers a client of git for a path in a view. begun is called when one begins to clone.
func Serve(w http.ResponseWriter, r *http.Request, v whose.View, at string, begun func()) {
	m := asks.FindStringSubmatch(strings.Trim(at, "/"))
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "read only", http.StatusMethodNotAllowed)
		return
	}
	if m == nil || !Is(v, m[1]) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch m[2] {
	case "info/refs":
		refs, err := readRefs(v, m[1])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		begun()
		text(w, refs)
	case "objects/info/packs":
		text(w, packs(v, m[1]))
	default:
		f, info, err := v.File(path.Join(m[1], m[2]))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer f.Close() //nolint:errcheck // nothing is written
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", info.ModTime(), f)
	}
}

func text(w http.ResponseWriter, lines string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, lines) // the client is gone, or not
}

const maxRefs = 64 << 20 // bytes of packed-refs that are read

// readRefs is what info/refs says: packed-refs, and over it the files below refs.
func readRefs(v whose.View, repo string) (string, error) {
	refs := map[string]string{}
	if f, _, err := v.File(path.Join(repo, "packed-refs")); err == nil {
		defer f.Close() //nolint:errcheck // nothing is written
		last := ""
		lines := bufio.NewScanner(io.LimitReader(f, maxRefs))
		for lines.Scan() {
			line := lines.Text()
			if m := refLine.FindStringSubmatch(line); m != nil {
				last = m[2]
				refs[last] = m[1]
			} else if peeled, ok := strings.CutPrefix(line, "^"); ok && last != "" && oid.MatchString(peeled) {
				refs[last+"^{}"] = peeled
			}
		}
		if err := lines.Err(); err != nil {
			return "", fmt.Errorf("read packed-refs: %w", err)
		}
	}
	err := v.Walk(path.Join(repo, "refs"), func(name string, info fs.FileInfo) error {
		if info.Size() > 100 {
			return nil
		}
		f, _, err := v.File(name)
		if err != nil {
			return nil // passed over
		}
		defer f.Close() //nolint:errcheck // nothing is written
		line, err := io.ReadAll(io.LimitReader(f, 100))
		if err != nil {
			return nil // passed over
		}
		ref := strings.TrimPrefix(strings.TrimPrefix(name, repo), "/")
		if m := refLine.FindStringSubmatch(strings.TrimSpace(string(line)) + " " + ref); m != nil {
			refs[ref] = m[1]
			delete(refs, ref+"^{}")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		fmt.Fprintf(&out, "%s\t%s\n", refs[ref], ref)
	}
	return out.String(), nil
}

func packs(v whose.View, repo string) string {
	var out strings.Builder
	names, err := v.Names(path.Join(repo, "objects", "pack"))
	if err == nil {
		for _, name := range names {
			if packFile.MatchString(name) {
				out.WriteString("P " + name + "\n")
			}
		}
	}
	return out.String() + "\n"
}
