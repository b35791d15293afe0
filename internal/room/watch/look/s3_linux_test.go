package look_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

// key is one of an S3 server.
type key struct{ id, secret string }

// presign makes an address that carries a key's right to one request, for ten minutes:
// Signature Version 4 by query, with a payload that is not signed.
func (k key) presign(method, host, path string, more url.Values, at time.Time) string {
	scope := at.Format("20060102") + "/us-east-1/s3/aws4_request"
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {k.id + "/" + scope}, "X-Amz-Date": {at.Format("20060102T150405Z")},
		"X-Amz-Expires": {"600"}, "X-Amz-SignedHeaders": {"host"},
	}
	maps.Copy(q, more)
	request := strings.Join([]string{method, path, q.Encode(), "host:" + host, "", "host", "UNSIGNED-PAYLOAD"}, "\n")
	sum := sha256.Sum256([]byte(request))
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	signing := []byte("AWS4" + k.secret)
	for part := range strings.SplitSeq(scope, "/") {
		signing = mac(signing, part)
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256", at.Format("20060102T150405Z"), scope, hex.EncodeToString(sum[:])}, "\n")
	q.Set("X-Amz-Signature", hex.EncodeToString(mac(signing, text)))
	return "http://" + host + path + "?" + q.Encode()
}

// put is a request with a body that must succeed.
func put(t *testing.T, address, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, strings.NewReader(body))
	looktest.Must(t, err)
	res, err := http.DefaultClient.Do(req)
	looktest.Must(t, err)
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s: %s\n%s", address, res.Status, text)
	}
}

// versitygw is the program that ./check builds.
func versitygw(t *testing.T) string {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	looktest.Must(t, err)
	path := filepath.Join(filepath.Dir(string(module)), ".cache/bin/versitygw")
	if _, err := os.Stat(path); err != nil {
		t.Fatal("versitygw is needed at .cache/bin/versitygw: ./check builds it")
	}
	return path
}

// An S3 server that checks signatures, looked at without an account, with a key it takes and
// with keys it refuses; hanging, without its bucket, and gone.
func TestRealS3(t *testing.T) {
	t.Parallel()
	root := key{"chaton", "un-secret-de-chaton"}
	dir, port := looktest.Dir(t), looktest.Port(t)
	host := looktest.Address(port)
	for _, name := range []string{"data", "marks"} {
		looktest.Must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	server := looktest.Start(t, looktest.Program{
		Name: versitygw(t), Dir: dir, Ports: []int{port}, Env: []string{"ROOT_ACCESS_KEY=" + root.id, "ROOT_SECRET_KEY=" + root.secret},
		Args: []string{"--port", host, "--quiet", "posix", "--sidecar", filepath.Join(dir, "marks"), filepath.Join(dir, "data")},
	})
	now := time.Now().UTC()
	put(t, root.presign(http.MethodPut, host, "/prive", nil, now), "")
	put(t, root.presign(http.MethodPut, host, "/photos", nil, now), "")
	put(t, root.presign(http.MethodPut, host, "/photos/chat.txt", nil, now), "miaou")
	put(t, root.presign(http.MethodPut, host, "/photos", url.Values{"policy": {""}}, now),
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::photos"]}]}`)

	l := look.New(look.Needs{Private: true, Agent: "entrechat-test", Now: time.Now})
	of := func(address string, want look.Class) looktest.Case {
		return looktest.Is(target.Target{Kind: target.S3, Address: address}, want)
	}
	bucket := url.Values{"list-type": {"2"}}
	cases := map[string]looktest.Case{
		"without a key":        of("http://"+host+"/", look.Fine),
		"a bucket of nobody's": of("http://"+host+"/prive", look.Fine),
		"a public bucket":      of("http://"+host+"/photos", look.Fine),
		"with a key":           of(root.presign(http.MethodGet, host, "/photos", bucket, now), look.Fine),
		"a wrong secret":       of(key{root.id, "autre"}.presign(http.MethodGet, host, "/photos", bucket, now), look.HTTP4xx),
		"no such key":          of(key{"personne", "autre"}.presign(http.MethodGet, host, "/photos", bucket, now), look.HTTP4xx),
		"a key of yesterday":   of(root.presign(http.MethodGet, host, "/photos", bucket, now.Add(-24*time.Hour)), look.Fine), // "AccessDenied" too
		"a wrong bucket":       of(root.presign(http.MethodGet, host, "/autres", bucket, now), look.HTTP4xx),
	}
	looktest.All(t, l, cases)
	server.Hang()
	hanging := map[string]looktest.Case{}
	for name, c := range cases {
		hanging[name] = c.But(look.Timeout)
	}
	looktest.All(t, l, hanging)
	server.Wake()
	looktest.All(t, l, cases)
	looktest.Must(t, os.RemoveAll(filepath.Join(dir, "data", "photos")))
	looktest.Look(t, l, target.Target{Kind: target.S3, Address: root.presign(http.MethodGet, host, "/photos", bucket, now)}, look.HTTP4xx)
	server.End()
	looktest.Look(t, l, target.Target{Kind: target.S3, Address: "http://" + host + "/"}, look.Refused)
}
