package browser

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestOverview: who opens the administration of a node that is well sees it at once: the
// members around, what each stores, a backup that survives losses, and no first hour any
// more. With ENTRECHAT_PICTURES, a folder, it writes the README's pictures, overview.en.png and
// overview.fr.png.
func TestOverview(t *testing.T) {
	w := wellOff(t)
	w.until("/admin/?lang=en", ".now:not(:has(.steps))")
	w.until("/admin/?lang=en", ".checks .fine strong")
	for _, lang := range []string{"en", "fr"} {
		var names []string
		w.do(
			chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.node.URL()+"/admin/?lang="+lang),
			chromedp.Evaluate(`[...document.querySelectorAll(".ring .disc title")].map(e => e.textContent)`, &names),
		)
		for _, n := range w.all[1:] {
			if !slices.Contains(names, n.Name) {
				t.Errorf("%s is not around us: %v", n.Name, names)
			}
		}
		w.picture("overview." + lang)
	}
	axe := w.axe()
	for _, path := range []string{"/admin/", "/admin/vault"} {
		w.inspect(axe, path)
	}
}

// picture writes what is on the screen, where ENTRECHAT_PICTURES says.
func (w *world) picture(name string) {
	dir := os.Getenv("ENTRECHAT_PICTURES")
	if dir == "" {
		return
	}
	var shot []byte
	w.do(chromedp.CaptureScreenshot(&shot))
	full, err := png.Decode(bytes.NewReader(shot))
	w.must(err)
	small := image.NewPaletted(full.Bounds(), mostUsed(full))
	draw.Draw(small, small.Rect, full, image.Point{}, draw.Src)
	var out bytes.Buffer
	w.must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small))
	w.must(os.WriteFile(filepath.Join(dir, name+".png"), out.Bytes(), 0o600))
}

// mostUsed are the 256 colours that a picture has most of: a page has few.
func mostUsed(of image.Image) color.Palette {
	count := map[color.Color]int{}
	for y := range of.Bounds().Dy() {
		for x := range of.Bounds().Dx() {
			count[of.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	return colours[:min(len(colours), 256)]
}

// wellKnown is what the hoster of the pictures says of itself.
const wellKnown = `file.class = Organization
file.protocol = ChatonsInfos-0.5
file.generator = vi
organization.name = Le Chaton d'Armor
organization.description = Des courriels et des fichiers pour nos voisins, depuis 2017.
organization.type = ASSOCIATION
organization.country.name = France
organization.country.code = FR
organization.geolocation.address = Rennes
organization.website = https://chaton-a.test/
organization.contact.email = contact@chaton-a.test
organization.status.level = ACTIVE
`

// wellOff is a node with four members, pacts with each, and a backup that lies at them.
func wellOff(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	w := &world{T: t, ctx: ctx}
	w.all, err = lab.Found(t.TempDir(), program, 5)
	w.must(err)
	for _, n := range w.all {
		t.Cleanup(n.Stop)
		w.must(n.Init(ctx))
		w.must(n.Up(ctx))
	}
	w.node = w.all[0]
	for i, n := range w.all[1:] {
		w.must(lab.Introduce(ctx, w.node, n))
		w.must(lab.Pact(ctx, w.node, n, []string{"1GB", "2GB", "1GB", "3GB"}[i]))
	}
	org := filepath.Join(t.TempDir(), "organization.properties")
	w.must(os.WriteFile(org, []byte(wellKnown), 0o600))
	w.run(w.node, "directory", "publish", org)
	w.run(w.node, "vault", "kit", "--check", "--seed-file", w.node.SeedFile())
	w.watched()
	w.visits = w.chromium()
	w.signIn()
	for _, n := range slices.Concat([]*lab.Node{w.node}, w.all[2:4]) { // two of them save to us too
		w.run(n, "vault", "create", "files")
		folder := t.TempDir()
		w.must(lab.WriteMix(folder, 4_000_000, uint64(len(n.Name))+uint64(n.Name[7])))
		env, err := n.Env(ctx, "files")
		w.must(err)
		w.restic(env, "init")
		w.restic(env, "backup", folder)
	}
	return w
}

// watched has the node look at a service that is well, and somebody to tell.
func (w *world) watched() {
	w.Helper()
	pad, err := lab.NewService("Bienvenue sur le pad", false)
	w.must(err)
	w.Cleanup(func() { _ = pad.Close() })
	w.run(w.node, "watch", "add", pad.URL(), "--service", "Pad", "--every", "10s")
	w.run(w.node, "alert", "person", "add", "zoe", "--name", "Zoé", "--quiet", "none")
	w.run(w.node, "alert", "channel", "add", "zoe", "ntfy", strings.Replace(pad.URL(), "127.0.0.1", "localhost", 1)+"alerts")
}
