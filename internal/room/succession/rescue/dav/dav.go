package dav

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"entrechat/internal/room/succession/rescue/send"
	"entrechat/internal/room/succession/rescue/whose"
)

// Root is one folder at the top.
type Root struct {
	Name string
	Open func() (whose.View, error)
}

// Tree is what one person may read. Prefix is the path above the top, with a slash at its end.
type Tree struct {
	Prefix string
	Roots  []Root
}

const methods = "OPTIONS, GET, HEAD, PROPFIND"

// Serve answers a request for a path below the top. done is called for each file that is sent.
func (t Tree) Serve(w http.ResponseWriter, r *http.Request, at string, done func()) {
	w.Header().Set("DAV", "1")
	w.Header().Set("Cache-Control", "private, no-store")
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Allow", methods)
	case http.MethodGet, http.MethodHead:
		t.get(w, r, at, done)
	case "PROPFIND":
		t.find(w, r, at)
	default:
		w.Header().Set("Allow", methods)
		http.Error(w, "read only", http.StatusMethodNotAllowed)
	}
}

// open is the view that a path is in, and the rest of the path.
func (t Tree) open(at string) (v whose.View, rest string, ok bool) {
	top, rest, _ := strings.Cut(strings.Trim(at, "/"), "/")
	for _, root := range t.Roots {
		if root.Name == top {
			v, err := root.Open()
			return v, rest, err == nil
		}
	}
	return v, "", false
}

func (t Tree) get(w http.ResponseWriter, r *http.Request, at string, done func()) {
	v, rest, ok := t.open(at)
	if !ok {
		http.NotFound(w, r)
		return
	}
	defer v.Close()
	if err := send.File(w, r, v, rest, path.Base(rest)); err != nil {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodGet {
		done()
	}
}

type multistatus struct {
	XMLName  xml.Name   `xml:"D:multistatus"`
	DAV      string     `xml:"xmlns:D,attr"`
	Response []response `xml:"D:response"`
}

type response struct {
	Href   string `xml:"D:href"`
	Prop   prop   `xml:"D:propstat>D:prop"`
	Status string `xml:"D:propstat>D:status"`
}

type prop struct {
	Name     string  `xml:"D:displayname"`
	Type     kind    `xml:"D:resourcetype"`
	Length   *int64  `xml:"D:getcontentlength,omitempty"`
	Kind     string  `xml:"D:getcontenttype,omitempty"`
	Modified string  `xml:"D:getlastmodified,omitempty"`
	Tag      string  `xml:"D:getetag,omitempty"`
	Locks    *string `xml:"D:supportedlock"`
}

type kind struct {
	Folder *struct{} `xml:"D:collection,omitempty"`
}

func (t Tree) folder(at string) response {
	name, href := path.Base(at), t.Prefix+escape(at)+"/"
	if at == "" {
		name, href = "", t.Prefix
	}
	return response{href, prop{Name: whose.Shown(name), Type: kind{&struct{}{}}, Locks: new(string)}, "HTTP/1.1 200 OK"}
}

func (t Tree) file(at string, size int64, modified string) response {
	return response{t.Prefix + escape(at), prop{
		Name: whose.Shown(path.Base(at)), Length: &size, Kind: send.Kind(at), Modified: modified, Tag: fmt.Sprintf("%q", fmt.Sprintf("%x-%s", size, strings.ReplaceAll(modified, " ", ""))), Locks: new(string),
	}, "HTTP/1.1 200 OK"}
}

func escape(at string) string {
	parts := strings.Split(at, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

func (t Tree) find(w http.ResponseWriter, r *http.Request, at string) {
	depth := r.Header.Get("Depth")
	if depth != "0" && depth != "1" {
		answer(w, http.StatusForbidden, []byte(xml.Header+`<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>`))
		return
	}
	at = strings.Trim(at, "/")
	out := multistatus{DAV: "DAV:"}
	if at == "" {
		out.Response = append(out.Response, t.folder(""))
		for _, root := range t.Roots {
			if depth == "1" {
				out.Response = append(out.Response, t.folder(root.Name))
			}
		}
	} else {
		v, rest, ok := t.open(at)
		if !ok {
			http.NotFound(w, r)
			return
		}
		defer v.Close()
		info, err := v.Stat(rest)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		out.Response = append(out.Response, t.below(v, at, rest, info, depth == "1")...)
	}
	text, err := xml.Marshal(out)
	if err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusMultiStatus, append([]byte(xml.Header), text...))
}

func (t Tree) below(v whose.View, at, rest string, info fs.FileInfo, inner bool) (out []response) {
	if !info.IsDir() {
		return []response{t.file(at, info.Size(), info.ModTime().UTC().Format(http.TimeFormat))}
	}
	out = append(out, t.folder(at))
	if !inner {
		return out
	}
	list, _, _, err := v.List(rest, 0, whose.MaxNames)
	if err != nil {
		return out
	}
	for _, e := range list {
		if name := at + "/" + e.Name; e.Dir {
			out = append(out, t.folder(name))
		} else {
			out = append(out, t.file(name, e.Size, e.At.Time().UTC().Format(http.TimeFormat)))
		}
	}
	return out
}

func answer(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client is gone, or not
}
