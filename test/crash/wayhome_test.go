package crash

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"entrechat/internal/app/lab"
)

// A person changes the password with restic: that the kept one opens nothing any more is
// said wherever it matters, until the new one is kept.
func (v *village) changedPassword() {
	kept, fresh := setting(v.env, "RESTIC_PASSWORD_FILE"), filepath.Join(v.dir, "fresh")
	v.must(os.WriteFile(fresh, []byte("chosen by hand, at night\n"), 0o600))
	old := filepath.Join(v.dir, "old")
	v.must(os.WriteFile(old, []byte(v.read(kept)), 0o600))
	if out, err := v.run(v.prune, "key", "passwd", "--new-password-file", fresh); err != nil {
		v.t.Fatal(err, out)
	}
	v.eventually("seen", time.Minute, func() (bool, string) {
		level := v.status().Backups[0].Level
		return level == "locked", level
	})
	const cure = "entrechat vault password files"
	v.tells(v.owner(), 0, []string{"vault", "status"}, "files: closed: the kept password does not open it", cure)
	v.tells(v.owner(), 0, []string{"vault", "kit"}, cure)
	v.doctorSays(v.owner(), cure)
	if out, err := v.run(v.env, "snapshots"); err == nil || !strings.Contains(out, "wrong password") {
		v.t.Errorf("with the kept password restic says %v\n%s", err, out)
	}
	v.tells(v.owner(), 4, []string{"vault", "password", "files", "--password-file", old}, "opens no key of files")
	v.tells(v.owner(), 0, []string{"vault", "password", "files", "--password-file", fresh}, "is kept")
	if strings.TrimSpace(v.read(kept)) != strings.TrimSpace(v.read(fresh)) {
		v.t.Errorf("kept is %q", v.read(kept))
	}
	v.whole(time.Minute)
	if out := v.tells(v.owner(), 0, []string{"vault", "kit"}); strings.Contains(out, cure) {
		v.t.Errorf("the kit still says:\n%s", out)
	}
	v.restoresTo(v.snapshot, v.saved)
}

// Exports into one folder: of the same backup it completes what is there and puts right
// what is spoiled; another backup is refused, and nothing of the first is touched.
func (v *village) exportTwice() {
	mine, plain, password := v.env, filepath.Join(v.dir, "plain"), setting(v.env, "RESTIC_PASSWORD_FILE")
	v.env = v.openAt(v.owner(), "other")
	v.ok("backup", filepath.Join(v.data, "log"))
	v.env = mine
	v.tells(v.owner(), 0, []string{"vault", "export", "files", plain}, "It is a plain restic repository")
	first, err := lab.ReadTree(plain)
	v.must(err)

	v.tells(v.owner(), 5, []string{"vault", "export", "other", plain}, plain+" holds something else than this backup")
	second, err := lab.ReadTree(plain)
	v.must(err)
	if diff := first.Differences(second); len(diff) > 0 {
		v.t.Errorf("the refused export changed %v", diff)
	}
	packs := v.files(filepath.Join(plain, "data"))
	v.must(os.Remove(packs[0])) // as if the export had broken off
	v.must(os.Chmod(packs[1], 0o600))
	v.flip(packs[1], 50)
	v.tells(v.owner(), 0, []string{"vault", "export", "files", plain}, "It is a plain restic repository")
	v.env = []string{"RESTIC_REPOSITORY=" + plain, "RESTIC_PASSWORD_FILE=" + password, "RESTIC_CACHE_DIR=" + filepath.Join(v.dir, "cache-plain")}
	defer func() { v.env = mine }()
	v.ok("check", "--read-data")
	v.restoresTo(v.snapshot, v.saved)
}

// dripping stands before a member and, when it is told to, answers everybody with a byte
// every two seconds, for ever.
type dripping struct{ on atomic.Bool }

const dripEvery = 2 * time.Second

// dripper puts it before a node that is not made yet.
func (w *world) dripper(n *lab.Node) *dripping {
	d := &dripping{}
	behind := &url.URL{Scheme: "http", Host: n.Public}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(behind); r.Out.Host = r.In.Host },
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !d.on.Load() {
			proxy.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		for {
			_, err := rw.Write([]byte(" "))
			if err = errors.Join(err, http.NewResponseController(rw).Flush()); err != nil {
				return
			}
			select {
			case <-time.After(dripEvery):
			case <-r.Context().Done():
				return
			case <-w.ctx.Done():
				return
			}
		}
	}))
	w.t.Cleanup(func() {
		n.Kill()
		server.CloseClientConnections()
		server.Close()
	})
	n.Front = server.Listener.Addr().(*net.TCPAddr).String()
	return d
}

// dripHead answers each connection with the head of an answer that has no end, a byte
// every two seconds.
func (w *world) dripHead() (address string) {
	w.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(w.ctx, "tcp4", "127.0.0.1:0")
	w.must(err)
	w.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for text := "HTTP/1.1 200 OK\r\n"; ; text = text[1:] {
					if text == "" {
						text = "X-Later: yes\r\n"
					}
					if _, err := c.Write([]byte(text[:1])); err != nil {
						return
					}
					w.pause(dripEvery)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// A fire at the owner's, while a member answers everybody with a byte every two seconds:
// the recovery ends, names it, and everything is there, opened by the password of today.
// Long: an address of the printed page does the same with the head of its answer, and what
// the member holds is taken in when it answers again.
func (v *village) drippingContact() {
	owner, slow, sound := v.owner(), v.members()[3], v.members()[0]
	password := v.read(setting(v.env, "RESTIC_PASSWORD_FILE"))
	owner.Kill()
	v.must(os.RemoveAll(owner.Dir))
	v.drip.on.Store(true)
	words := append([]string{"vault", "recover", "--yes", "--seed-file", owner.SeedFile(), "--from", slow.URL(), "--from", sound.URL()}, owner.Place()...)
	wants := []string{"files is back", slow.URL() + ": no answer", slow.Name + ": no complete answer", slow.Name + " did not answer"}
	if slowDisasters {
		printed := v.dripHead()
		words, wants = append(words, "--from", printed), append(wants, printed+": no answer")
	}
	begun := time.Now()
	v.tells(owner, 0, words, wants...)
	v.t.Logf("recovered after %.1f s", time.Since(begun).Seconds())
	v.must(owner.Up(v.ctx))
	var err error
	v.env, err = owner.Env(v.ctx, "files")
	v.must(err)
	if back := v.read(setting(v.env, "RESTIC_PASSWORD_FILE")); back != password {
		v.t.Errorf("the password came back as %q, not %q", back, password)
	}
	v.restoresTo(v.snapshot, v.saved, "--no-cache")
	v.tells(owner, 0, []string{"vault", "status", "files"}, slow.Name)
	if !slowDisasters {
		return
	}
	v.drip.on.Store(false)
	v.allThere()
	v.whole(2 * time.Minute)
	v.ok("check", "--read-data")
}
