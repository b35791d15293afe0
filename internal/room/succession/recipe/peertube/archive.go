package peertube

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"entrechat/internal/core"
)

// Bounds of PeerTube's importer, and of what is read here of an archive.
const (
	maxFiles    = 10_000
	maxUnpacked = 1 << 30 // or twice the archive
	maxArchive  = 1 << 40
	maxJSON     = 64 << 20
)

// fits refuses an archive that the new server would not take.
func fits(z *zip.Reader, size int64) error {
	var bytes uint64
	for _, f := range z.File {
		if bytes += f.UncompressedSize64; f.UncompressedSize64 > maxArchive || bytes > maxArchive {
			break
		}
	}
	limit := max(2*size, maxUnpacked)
	if len(z.File) > maxFiles || bytes > uint64(max(0, limit)) {
		return core.Full("succession.recipe.peertube.too_large", errors.New("beyond what PeerTube imports")).
			With("Files", len(z.File)).With("MaxFiles", maxFiles).With("Bytes", core.Size(int64(min(bytes, 2*maxArchive))).String()).With("MaxBytes", core.Size(limit).String())
	}
	return nil
}

// inside reads what an archive says that the person has.
func inside(z *zip.Reader) (h holdings, err error) {
	var videos struct {
		Videos []struct {
			Name     string `json:"name"`
			Duration int64  `json:"duration"`
			Privacy  int64  `json:"privacy"`
			Files    struct {
				Video *string `json:"videoFile"`
			} `json:"archiveFiles"`
		} `json:"videos"`
	}
	var channels struct {
		Channels []item `json:"channels"`
	}
	var playlists struct {
		Playlists []struct {
			Title string `json:"displayName"`
			Type  int64  `json:"type"`
		} `json:"videoPlaylists"`
	}
	var following struct {
		Following []struct {
			Target string `json:"targetHandle"`
		} `json:"following"`
	}
	for name, into := range map[string]any{"videos": &videos, "channels": &channels, "video-playlists": &playlists, "following": &following} {
		if err := part(z, "peertube/"+name+".json", into); err != nil {
			return h, err
		}
	}
	for _, v := range videos.Videos {
		if v.Files.Video == nil {
			return h, core.Invalid("succession.recipe.peertube.no_videos", errors.New("an archive without video files"))
		}
		h.videos = append(h.videos, item{Name: v.Name, Duration: v.Duration, Privacy: kind{v.Privacy}})
	}
	for _, c := range channels.Channels {
		h.channels = append(h.channels, item{Name: c.Name})
	}
	for _, p := range playlists.Playlists {
		if p.Type != watchLater {
			h.playlists = append(h.playlists, item{Title: p.Title})
		}
	}
	seen := map[string]bool{} // a channel may be followed by several of the person's own
	for _, f := range following.Following {
		name, host, _ := strings.Cut(f.Target, "@")
		if !seen[f.Target] {
			h.following = append(h.following, item{Name: name, Host: host})
		}
		seen[f.Target] = true
	}
	return h, nil
}

// part reads one JSON file of an archive.
func part(z *zip.Reader, name string, into any) error {
	bad := func(err error) error {
		return core.Invalid("succession.recipe.peertube.archive", fmt.Errorf("%s: %w", name, err)).With("File", name)
	}
	f, err := z.Open(name)
	if err != nil {
		return bad(err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return bad(err)
	}
	if len(text) > maxJSON {
		return bad(errors.New("more than is read"))
	}
	if err := json.Unmarshal(text, into); err != nil {
		return bad(err)
	}
	return nil
}

// look opens an archive, refuses one that cannot be imported, and says what is in it.
func look(name string) (h holdings, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return h, 0, core.NotFound("succession.recipe.peertube.archive", err).With("File", name)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return h, 0, core.NotFound("succession.recipe.peertube.archive", err).With("File", name)
	}
	h, err = looked(f, info.Size())
	return h, info.Size(), err
}

// looked is look for an archive that is open.
func looked(f io.ReaderAt, size int64) (holdings, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return holdings{}, core.Invalid("succession.recipe.peertube.archive", err).With("File", "zip")
	}
	if err := fits(z, size); err != nil {
		return holdings{}, err
	}
	return inside(z)
}
