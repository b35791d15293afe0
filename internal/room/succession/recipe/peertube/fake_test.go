package peertube

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fast asks again at once.
func fast() Recipe { return Recipe{poll: time.Millisecond} }

// fake is a PeerTube with one person, made from its documented interface:
// docs.joinpeertube.org/api-rest-reference (users, user exports, user imports).
type fake struct {
	*httptest.Server

	mu       sync.Mutex
	name     string
	quota    int64
	off      bool // import and export are switched off
	display  string
	h        holdings
	next     int64
	archives []export
	archive  []byte
	upload   []byte
	size     int
	latest   *imported
	making   int
	busy     int // how often it is processing still

	lies     bool           // an import says completed and brings nothing
	errors   int64          // of videos, in the summary of an import
	noRes    bool           // the summary is not told
	elsewhat string         // an address of another server for archives
	asked    map[string]int // requests by method and path
}

func newFake(t *testing.T, name string) *fake {
	t.Helper()
	f := &fake{name: name, quota: -1, display: name, next: 10, asked: map[string]int{}}
	f.h.channels = []item{{ID: 1, Name: name + "_channel"}}
	f.h.playlists = []item{{ID: 2, Title: "Watch later", Type: kind{watchLater}}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// filled is a person with something of everything.
func filled(t *testing.T, name string, videos int) *fake {
	t.Helper()
	f := newFake(t, name)
	for i := range videos {
		f.h.videos = append(f.h.videos, item{ID: int64(100 + i), Name: fmt.Sprintf("Été %d", i), Duration: int64(i), Privacy: kind{int64(1 + i%3)}, State: kind{published}})
	}
	f.h.channels = append(f.h.channels, item{ID: 3, Name: "concerts"})
	f.h.playlists = append(f.h.playlists, item{ID: 4, Title: "Le salon", Type: kind{1}, Items: 2})
	f.h.following = []item{{ID: 5, Name: "nouvelles", Host: "tube.test"}}
	return f
}

// packed is the archive of the person.
func (f *fake) packed() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, v any) {
		w, err := z.Create(name)
		if err != nil {
			panic(err)
		}
		if err := json.NewEncoder(w).Encode(v); err != nil {
			panic(err)
		}
	}
	videos, playlists, following := []map[string]any{}, []map[string]any{}, []map[string]any{}
	for _, v := range f.h.videos {
		file := fmt.Sprintf("files/videos/video-files/%d.mp4", v.ID)
		put(file, strings.Repeat("film", 1000))
		videos = append(videos, map[string]any{"name": v.Name, "duration": v.Duration, "privacy": v.Privacy.ID, "archiveFiles": map[string]any{"videoFile": file}})
	}
	for _, p := range f.h.playlists {
		playlists = append(playlists, map[string]any{"displayName": p.Title, "type": p.Type.ID})
	}
	for _, c := range f.h.following {
		following = append(following, map[string]any{"handle": f.name, "targetHandle": c.Name + "@" + c.Host})
	}
	put("peertube/videos.json", map[string]any{"videos": videos})
	put("peertube/channels.json", map[string]any{"channels": f.h.channels})
	put("peertube/video-playlists.json", map[string]any{"videoPlaylists": playlists})
	put("peertube/following.json", map[string]any{"following": following})
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// take imports an archive as PeerTube does: what is there already is passed over, unless its name differs.
func (f *fake) take(archive []byte) {
	f.latest, f.busy = &imported{State: kind{completed}}, 2
	if !f.noRes {
		text := fmt.Sprintf(`{"resultSummary":{"stats":{"videos":{"success":1,"duplicates":0,"errors":%d}}}}`, f.errors)
		if err := json.Unmarshal([]byte(text), f.latest); err != nil {
			panic(err)
		}
	}
	if f.lies {
		return
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		f.latest.State.ID = errored
		return
	}
	h, err := inside(z)
	if err != nil {
		f.latest.State.ID = errored
		return
	}
	id := func() int64 { f.next++; return f.next }
	for _, v := range h.videos[int(f.errors):] {
		v.ID, v.State.ID = id(), published
		f.h.videos = append(f.h.videos, v)
	}
	for _, c := range h.channels {
		if !slices.ContainsFunc(f.h.channels, func(o item) bool { return o.Name == c.Name }) {
			c.ID = id()
			f.h.channels = append(f.h.channels, c)
		}
	}
	for _, p := range h.playlists {
		p.ID, p.Type.ID, p.Items = id(), 1, 2
		f.h.playlists = append(f.h.playlists, p)
	}
	for _, c := range h.following {
		c.ID = id()
		f.h.following = append(f.h.following, c)
	}
	f.display = "imported"
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[r.Method+" "+r.URL.Path]++
	if r.Header.Get("Authorization") != "Bearer token-"+f.name {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	lists := map[string][]item{
		"/api/v1/users/me/videos": f.h.videos, "/api/v1/accounts/" + f.name + "/video-channels": f.h.channels,
		"/api/v1/accounts/" + f.name + "/video-playlists": f.h.playlists, "/api/v1/users/me/subscriptions": f.h.following,
	}
	if all, ok := lists[r.URL.Path]; ok {
		start, _ := strconv.Atoi(r.URL.Query().Get("start"))
		start = min(start, len(all))
		answer(w, map[string]any{"total": len(all), "data": all[start:min(start+100, len(all))]})
		return
	}
	user := "/api/v1/users/7/"
	switch path := r.URL.Path; {
	case path == "/api/v1/users/me" && r.Method == "PUT":
		var in map[string]string
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.display = in["displayName"]
	case path == "/api/v1/users/me":
		answer(w, map[string]any{"id": 7, "username": f.name, "videoQuota": f.quota, "account": map[string]any{"displayName": f.display}})
	case path == "/api/v1/users/me/video-quota-used":
		answer(w, map[string]any{"videoQuotaUsed": 4000 * len(f.h.videos)})
	case path == "/api/v1/config":
		on := map[string]any{"users": map[string]any{"enabled": !f.off}}
		answer(w, map[string]any{"import": on, "export": on})
	case path == user+"exports":
		all := slices.Clone(f.archives)
		if f.making > 0 && len(all) > 0 {
			f.making--
			all[0].State.ID, all[0].URL = 1, ""
		}
		answer(w, map[string]any{"data": all})
	case path == user+"exports/request":
		f.next++
		f.archive, f.making = f.packed(), 2
		f.archives = []export{{ID: f.next, State: kind{completed}, Size: int64(len(f.archive)), URL: f.elsewhat + "/download/user-exports/a.zip?jwt=b"}}
		answer(w, map[string]any{"export": map[string]any{"id": f.next}})
	case path == "/download/user-exports/a.zip":
		_, _ = w.Write(f.archive)
	case path == user+"imports/latest":
		if f.latest == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		now := *f.latest
		if f.busy > 0 {
			f.busy--
			now = imported{State: kind{2}} // processing
		}
		answer(w, now)
	case path == user+"imports/import-resumable":
		f.resumable(w, r)
	case r.Method == "DELETE":
		f.remove(path)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fake) resumable(w http.ResponseWriter, r *http.Request) {
	if r.Method == "POST" {
		f.size, _ = strconv.Atoi(r.Header.Get("X-Upload-Content-Length"))
		f.upload = nil
		w.Header().Set("Location", "//"+r.Host+r.URL.Path+"?upload_id=u1")
		w.WriteHeader(http.StatusCreated)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if want := fmt.Sprintf("bytes %d-%d/%d", len(f.upload), len(f.upload)+len(body)-1, f.size); r.Header.Get("Content-Range") != want || r.URL.Query().Get("upload_id") != "u1" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if f.upload = append(f.upload, body...); len(f.upload) < f.size {
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	f.take(f.upload)
	answer(w, map[string]any{"userImport": map[string]any{"id": 1}})
}

func (f *fake) remove(path string) {
	last := path[strings.LastIndex(path, "/")+1:]
	gone := func(i item) bool {
		return strconv.FormatInt(i.ID, 10) == last || i.Name == last || i.Name+"@"+i.Host == last
	}
	switch {
	case strings.Contains(path, "/exports/"):
		f.archives = nil
	case strings.Contains(path, "/videos/"):
		f.h.videos = slices.DeleteFunc(f.h.videos, gone)
	case strings.Contains(path, "/video-channels/"):
		f.h.channels = slices.DeleteFunc(f.h.channels, gone)
	case strings.Contains(path, "/video-playlists/"):
		f.h.playlists = slices.DeleteFunc(f.h.playlists, gone)
	case strings.Contains(path, "/subscriptions/"):
		f.h.following = slices.DeleteFunc(f.h.following, gone)
	}
}

// state tells what the person has, and how many archives there are.
func (f *fake) state() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, all := range [][]item{f.h.videos, f.h.channels, f.h.playlists, f.h.following} {
		for _, i := range all {
			fmt.Fprintf(&b, "%s %s %s %d\n", i.Name, i.Title, i.Host, i.Privacy.ID)
		}
	}
	fmt.Fprintf(&b, "%d archives, %s", len(f.archives), f.display)
	return b.String()
}

// written are settings of one person; from nil = dead, with an archive.
func written(t *testing.T, name string, from, to *fake, archive string) []byte {
	t.Helper()
	dir := t.TempDir()
	token := func(f *fake) string {
		file := filepath.Join(dir, f.name+".token")
		if err := os.WriteFile(file, []byte("token-"+f.name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	text := fmt.Sprintf("[new]\nurl = %q\n", to.URL)
	if from != nil {
		text += fmt.Sprintf("[old]\nurl = %q\n", from.URL)
	}
	text += fmt.Sprintf("[[person]]\nname = %q\nnew_token = %q\n", name, token(to))
	if from != nil {
		text += fmt.Sprintf("old_token = %q\n", token(from))
	} else {
		text += fmt.Sprintf("archive = %q\n", archive)
	}
	return []byte(text)
}
