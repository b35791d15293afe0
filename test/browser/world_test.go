package browser

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"

	"entrechat/internal/app"
	"entrechat/internal/app/lab"
)

// asProgram makes this test binary the entrechat program.
const asProgram = "ENTRECHAT_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// world is a node with something to show on each of its pages, its neighbours,
// and a Chromium that looks at it.
type world struct {
	*testing.T
	ctx  context.Context
	node *lab.Node
	all  []*lab.Node
	*visits
}

// newWorld founds a node that has a neighbour with a pact, a proposal that waits
// for an answer, a stranger who asks to join, a service and a backup. All of it ends with
// the test, at the latest after limit.
func newWorld(t *testing.T, limit time.Duration) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	w := &world{T: t, ctx: ctx}
	w.all, err = lab.Found(t.TempDir(), program, 3)
	w.must(err)
	for _, n := range w.all {
		t.Cleanup(n.Stop)
		w.must(n.Init(ctx))
		w.must(n.Up(ctx))
	}
	a, b, c := w.all[0], w.all[1], w.all[2]
	w.node = a
	w.must(lab.Introduce(ctx, a, b))
	w.must(lab.Pact(ctx, a, b, "200GB"))
	w.run(b, "pact", "propose", a.Name, "--watch", "60s", "--purpose", "Nous regarder l'un l'autre.")
	w.run(a, "vault", "create", "site")
	w.run(a, "directory", "publish", "testdata/pad.properties", "testdata/video.properties")
	pad := filepath.Join(t.TempDir(), "pad.properties")
	w.must(os.WriteFile(pad, []byte(service), 0o600))
	w.run(a, "directory", "publish", pad)
	org := filepath.Join(t.TempDir(), "organization.properties")
	w.must(os.WriteFile(org, []byte(neighbour), 0o600))
	w.run(b, "directory", "publish", org, pad)
	for !strings.Contains(w.run(a, "directory", "search"), "Pad") {
		time.Sleep(100 * time.Millisecond) // until the limit of the world
	}
	w.run(a, "directory", "refer", "pad", b.Name)
	w.run(c, "member", "add", a.URL(), "--fingerprint", w.fingerprint(a))
	w.visits = w.chromium()
	return w
}

// service is a file as hosters write them.
const service = `file.class = Service
file.protocol = ChatonsInfos-0.5
file.generator = vi
service.name = Pad
service.description = Écrire à plusieurs.
service.startdate = 2020-01-01
service.registration = Free
service.registration.load = OPEN
service.status.level = OK
software.name = Etherpad
`

// neighbour is a hoster that is away for now, with every text a page may show.
const neighbour = `file.class = Organization
file.protocol = ChatonsInfos-0.5
file.generator = vi
organization.name = Chez Bérénice <b>
organization.description = Des services pour le bourg,\net pour ses voisins.
organization.type = ASSOCIATION
organization.country.name = France
organization.country.code = FR
organization.geolocation.address = Nantes
organization.website = https://chaton-b.test/
organization.contact.email = contact@chaton-b.test
organization.status.level = IDLE
organization.status.description = Moins de monde en été.
`

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) run(n *lab.Node, words ...string) string {
	w.Helper()
	out, err := n.Run(w.ctx, words...)
	w.must(err)
	return out
}

// fingerprint is what a node's people would read out on the telephone.
func (w *world) fingerprint(n *lab.Node) string {
	w.Helper()
	var invite struct {
		Fingerprint string `json:"fingerprint"`
	}
	w.must(n.RunJSON(w.ctx, &invite, "invite"))
	return invite.Fingerprint
}

// link is a fresh way into the administration.
func (w *world) link() string { return strings.Fields(w.run(w.node, "admin", "link"))[0] }

// signIn enters the administration as a person does.
func (w *world) signIn() {
	w.Helper()
	w.do(chromedp.Navigate(w.link()), chromedp.Click("main button"), chromedp.WaitVisible(".leave"))
}

// chromium starts one; it ends with the test.
func (w *world) chromium() *visits {
	w.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		w.Fatal("Chromium is needed to look at pages: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.Flag("lang", "fr"), chromedp.UserDataDir(w.TempDir()),
		chromedp.WSURLReadTimeout(2*time.Minute)) // a first start from a slow disk
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses root; it only meets our own pages
	}
	allocated, stop := chromedp.NewExecAllocator(w.ctx, options...)
	w.Cleanup(stop)
	tab, end := chromedp.NewContext(allocated)
	w.Cleanup(end)
	v := &visits{ctx: tab}
	chromedp.ListenTarget(tab, v.hear)
	w.must(chromedp.Run(tab, v.enable()))
	return v
}

// do is what somebody does one after the other, until the limit of the world.
func (w *world) do(actions ...chromedp.Action) {
	w.Helper()
	patient := make([]chromedp.Action, len(actions))
	for i, each := range actions {
		patient[i] = chromedp.ActionFunc(func(ctx context.Context) error {
			for {
				err := each.Do(ctx)
				if !replaced(err) {
					return err
				}
				select {
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	}
	w.must(chromedp.Run(w.visits.ctx, patient...))
}

// replaced says that the page something was just found on gave way to the next: nothing was done
// there, and it is looked for anew.
func replaced(err error) bool {
	said := new(cdproto.Error)
	return errors.As(err, &said) && slices.Contains([]string{
		"No node with given id found", "Could not find node with given id", "Node with given id does not belong to the document",
	}, said.Message)
}
