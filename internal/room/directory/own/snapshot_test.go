package own_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/room/directory/own"
)

const pad = "file.class = Service\nfile.protocol = ChatonsInfos-0.5\nservice.name = Pad A\nservice.startdate = 2020-01-01\nservice.registration = None\nservice.registration.load = OPEN\nservice.enddate = 2099-12-31\n"

// TestReadAgain: a page reads a file once, and again when it changed, however soon.
func TestReadAgain(t *testing.T) {
	dir, later := t.TempDir(), time.Duration(0)
	o := own.New(own.Needs{Dir: dir, URL: "https://a.test", Self: "a.test", Now: func() time.Time { return time.Now().Add(later) }})
	path := filepath.Join(dir, "pad"+own.Suffix)
	write := func(name string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Replace(pad, "Pad A", name, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if !at.IsZero() {
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := func(want string) *byte {
		t.Helper()
		files, err := o.List(t.Context())
		services, err2 := o.Services(t.Context())
		if err != nil || err2 != nil || len(files) != 1 || services["pad"].Name != want {
			t.Fatalf("%+v, %v, %v, want %s", services, err, err2, want)
		}
		return &files[0].Text[0]
	}
	long := time.Now().Add(-time.Hour)
	write("Pad A", long)
	if first := text("Pad A"); first != text("Pad A") {
		t.Error("a file that did not change was read again")
	}
	write("Pad B", long.Add(time.Second))
	text("Pad B")
	// As long as before, and within one tick of the disk's clock.
	write("Pad C", time.Time{})
	text("Pad C")
	write("Pad D", time.Time{})
	text("Pad D")
	// What an end says comes by itself.
	write("Pad A", long)
	if all, err := o.Services(t.Context()); err != nil || all["pad"].Listing.Ended {
		t.Errorf("%+v, %v", all["pad"], err)
	}
	later = time.Until(time.Date(2100, 1, 2, 0, 0, 0, 0, time.UTC))
	if all, err := o.Services(t.Context()); err != nil || !all["pad"].Listing.Ended {
		t.Errorf("%+v, %v", all["pad"], err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if files, err := o.List(t.Context()); err != nil || len(files) != 0 {
		t.Errorf("%+v, %v", files, err)
	}
	later = 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				if i == 0 {
					write("Pad A", time.Time{})
				}
				if _, err := o.Services(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
