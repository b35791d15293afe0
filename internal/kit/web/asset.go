package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

// asset is an embedded file whose address changes with its content, so browsers
// may keep it for ever.
type asset struct {
	path string
	kind string
	data []byte
}

func newAsset(fsys fs.FS, name, kind string) asset {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(data)
	return asset{path: "/site/" + hex.EncodeToString(sum[:6]) + "/" + path.Base(name), kind: kind, data: data}
}

func (a asset) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Write(a.data)
}
