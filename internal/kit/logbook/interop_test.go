package logbook_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
)

// read is a document over HTTP.
func read(t *testing.T, address string) (string, http.Header) {
	t.Helper()
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody))
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s", address, res.Status)
	}
	return string(must[[]byte](t)(io.ReadAll(res.Body))), res.Header
}

// policyOf is the text of a policy as an outsider would write it: the log, and so
// many of these witnesses.
func policyOf(t *testing.T, log *hoster, quorum int, witnesses ...*hoster) torchwood.Policy {
	t.Helper()
	known := must[logbook.WellKnown](t)(log.book.Discover(t.Context(), log.server.URL))
	text := "log " + known.Verifier + "\n"
	var names []string
	for i, w := range witnesses {
		known := must[logbook.WellKnown](t)(w.book.Discover(t.Context(), w.server.URL))
		text += fmt.Sprintf("witness w%d %s\n", i, known.Witness)
		names = append(names, fmt.Sprintf("w%d", i))
	}
	text += fmt.Sprintf("group g %d %s\nquorum g\n", quorum, strings.Join(names, " "))
	return must[torchwood.Policy](t)(torchwood.ParsePolicy([]byte(text)))
}

// Only standard pieces read the log from here on: fetcher, policy, client, and a
// proof that is checked without a network.
func TestTorchwoodReadsOurLog(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-c.test", "chaton-d.test")
	a := v[0]
	for i := range 600 { // more than two full tiles
		a.say(t, i)
	}
	policy, all := policyOf(t, a, 2, v[1:]...), policyOf(t, a, 3, v[1:]...)
	v[3].dark.Store(true) // two of three witnesses are enough
	ok(t, a.book.Push(t.Context()))

	for name, base := range map[string]string{
		"author": a.server.URL + "/log",
		"mirror": v[1].server.URL + "/ec/v1/mirror/" + a.id.Hash(),
	} {
		t.Run(name, func(t *testing.T) {
			fetcher := must[*torchwood.TileFetcher](t)(torchwood.NewTileFetcher(base))
			client := must[*torchwood.Client](t)(torchwood.NewClient(fetcher))
			signed := must[[]byte](t)(fetcher.ReadEndpoint(t.Context(), "checkpoint"))
			if name == "mirror" { // it has its own line, the author collects the others
				policy = policyOf(t, a, 1, v[1])
			}
			checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
			if err != nil {
				t.Fatalf("%v\n%s", err, signed)
			}
			count := int64(0)
			for index, entry := range client.AllEntries(t.Context(), checkpoint.Tree, 0) {
				if count++; index > 0 && !bytes.Contains(entry, []byte(`"typ":"entrechat/test/1"`)) {
					t.Fatalf("entry %d: %s", index, entry)
				}
			}
			if client.Err() != nil || count != 601 {
				t.Fatal(count, client.Err())
			}
			entry, proof, err := client.Entry(t.Context(), checkpoint.Tree, 317)
			ok(t, err)
			paper := torchwood.FormatProof(317, proof, signed)
			ok(t, torchwood.VerifyProof(policy, tlog.RecordHash(entry), paper))
			if torchwood.VerifyProof(policy, tlog.RecordHash([]byte("another")), paper) == nil {
				t.Fatal("the proof proves anything")
			}
		})
	}
	if _, _, err := torchwood.VerifyCheckpoint([]byte(mustRead(t, a.server.URL+"/log/checkpoint")), all); err == nil {
		t.Fatal("the absent witness signed")
	}
}

func mustRead(t *testing.T, address string) string {
	t.Helper()
	text, _ := read(t, address)
	return text
}

// The log is files: what is served can lie on any disk or static server and be
// read by torchwood from there.
func TestServedFilesAreStatic(t *testing.T) {
	c := newClock()
	a := found(t, "chaton-a.test", sqlite(t), c)
	for i := range 300 {
		a.say(t, i)
	}
	files := fstest.MapFS{}
	for _, path := range []string{
		"checkpoint", "tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/45",
	} {
		text, header := read(t, a.server.URL+"/log/"+path)
		files[path] = &fstest.MapFile{Data: []byte(text)}
		if cached := strings.Contains(header.Get("Cache-Control"), "immutable"); cached != (path != "checkpoint") {
			t.Errorf("%s: %q", path, header.Get("Cache-Control"))
		}
	}
	tiles := must[*torchwood.TileFS](t)(torchwood.NewTileFS(files))
	client := must[*torchwood.Client](t)(torchwood.NewClient(tiles))
	checkpoint := must[torchwood.Checkpoint](t)(torchwood.ParseCheckpoint(strings.SplitAfter(string(files["checkpoint"].Data), "\n\n")[0][:strings.Index(string(files["checkpoint"].Data), "\n\n")+1]))
	count := 0
	for range client.AllEntries(t.Context(), checkpoint.Tree, 0) {
		count++
	}
	if client.Err() != nil || count != 301 {
		t.Fatal(count, client.Err())
	}
	for path, want := range map[string]int{
		"tile/0/001":                    http.StatusNotFound, // not full yet
		"tile/0/001.p/46":               http.StatusNotFound,
		"tile/0/000.p/17":               http.StatusOK, // an older width stays readable
		"tile/entries/000.p/3":          http.StatusOK,
		"tile/7/000":                    http.StatusNotFound,
		"tile/0/x999/x999/x999/999":     http.StatusNotFound,
		"tile/63/000":                   http.StatusNotFound,
		"tile/0/-01":                    http.StatusNotFound,
		"tile/entries/../checkpoint":    http.StatusNotFound,
		"entries/0/301":                 http.StatusOK,
		"entries/0/302":                 http.StatusNotFound,
		"entries/5/5":                   http.StatusNotFound,
		"entries/-1/5":                  http.StatusNotFound,
		"entries/0/9223372036854775807": http.StatusNotFound,
		"2/checkpoint":                  http.StatusNotFound,
		"secret":                        http.StatusNotFound,
	} {
		req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, a.server.URL+"/log/"+path, http.NoBody))
		res := must[*http.Response](t)(http.DefaultTransport.RoundTrip(req))
		ok(t, res.Body.Close())
		if res.StatusCode != want && (want == http.StatusOK || res.StatusCode == http.StatusOK || res.StatusCode >= 500) {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
	}
}

// post sends an add-checkpoint request.
func post(t *testing.T, w *hoster, old int64, proof tlog.TreeProof, signed string) (int, string, http.Header) {
	t.Helper()
	body := fmt.Sprintf("old %d\n", old)
	for _, h := range proof {
		body += base64.StdEncoding.EncodeToString(h[:]) + "\n"
	}
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/ec/v1/add-checkpoint", strings.NewReader(body+"\n"+signed)))
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer res.Body.Close()
	return res.StatusCode, string(must[[]byte](t)(io.ReadAll(res.Body))), res.Header
}

// The witness endpoint answers as c2sp.org/tlog-witness says.
func TestWitness(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-w.test")
	a, w := v[0], v[1]
	for i := range 4 {
		a.say(t, i)
	}
	five := mustRead(t, a.server.URL+"/log/checkpoint")
	held := w.sees(t, a).Size // 1: from when they met
	fetcher := must[*torchwood.TileFetcher](t)(torchwood.NewTileFetcher(a.server.URL + "/log"))
	tree := must[torchwood.Checkpoint](t)(torchwood.ParseCheckpoint(five[:strings.Index(five, "\n\n")+1])).Tree
	proof := must[tlog.TreeProof](t)(tlog.ProveTree(tree.N, held, torchwood.TileHashReaderWithContext(t.Context(), tree, fetcher)))

	if status, size, header := post(t, w, 0, nil, five); status != http.StatusConflict || size != "1\n" || header.Get("Content-Type") != "text/x.tlog.size" {
		t.Fatalf("wrong old size: %d %q %q", status, size, header)
	}
	if status, _, _ := post(t, w, held, proof[:1], five); status != http.StatusUnprocessableEntity {
		t.Fatalf("cut proof: %d", status)
	}
	if status, _, _ := post(t, w, 9, proof, five); status != http.StatusBadRequest {
		t.Fatalf("old above new: %d", status)
	}
	if status, _, _ := post(t, w, held, proof, strings.Replace(five, "chaton-a", "chaton-q", 1)); status != http.StatusNotFound {
		t.Fatalf("unknown log: %d", status)
	}
	if status, _, _ := post(t, w, held, proof, five[:strings.Index(five, "\n\n")+2]+"— x AAAAAAAA\n"); status != http.StatusForbidden && status != http.StatusBadRequest {
		t.Fatalf("not signed: %d", status)
	}
	status, lines, _ := post(t, w, held, proof, five)
	if status != http.StatusOK {
		t.Fatal(status, lines)
	}
	key := must[*torchwood.CosignatureVerifier](t)(format.WitnessVerifier(w.id, w.signer.Public()))
	n := must[*note.Note](t)(note.Open([]byte(five+lines), note.VerifierList(key)))
	seconds := must[int64](t)(torchwood.CosignatureTimestamp(n.Sigs[0]))
	if at := core.Moment(seconds * 1_000_000); c.Now().Sub(at.Time()).Abs().Seconds() > 2 {
		t.Fatalf("cosigned at %s", at.Time())
	}
	// Asked again it signs again; it holds what it cosigned.
	if status, _, _ := post(t, w, 5, nil, five); status != http.StatusOK {
		t.Fatal(status)
	}
	if size := must[int64](t)(w.book.Verify(t.Context(), a.id)); size != 5 {
		t.Fatal(size)
	}
	// Two heads of one size: refused, and kept against the author.
	twin := twinOf(t, a)
	a.say(t, 5)
	twin.say(t, 6)
	w.pull(t, a)
	if status, _, _ := post(t, w, 6, nil, mustRead(t, twin.server.URL+"/log/checkpoint")); status != http.StatusConflict {
		t.Fatal(status)
	}
	if m := w.sees(t, a); m.State != logbook.Suspended {
		t.Fatalf("%+v", m)
	}
}
