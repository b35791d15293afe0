package send

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"entrechat/internal/room/succession/rescue/whose"
)

// kinds are what a file may be called; everything else is bytes.
func kinds() map[string]string {
	return map[string]string{
		".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8", ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
		".gif": "image/gif", ".webp": "image/webp", ".ics": "text/calendar; charset=utf-8", ".vcf": "text/vcard; charset=utf-8", ".zip": "application/zip",
		".eml": "message/rfc822", ".mbox": "application/mbox", ".odt": "application/vnd.oasis.opendocument.text", ".mp4": "video/mp4", ".mp3": "audio/mpeg",
	}
}

// Kind is the type of a file by its name.
func Kind(name string) string {
	if kind, ok := kinds()[strings.ToLower(path.Ext(name))]; ok {
		return kind
	}
	return "application/octet-stream"
}

// Head says what a browser may do with what follows: store it under a name, nothing else.
func Head(w http.ResponseWriter, name string) {
	h := w.Header()
	h.Set("Content-Type", Kind(name))
	h.Set("Content-Disposition", disposition(name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-store")
}

func disposition(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:"`, r) {
			return '_'
		}
		return r
	}, whose.Shown(name))
	if text := mime.FormatMediaType("attachment", map[string]string{"filename": name}); text != "" {
		return text
	}
	return "attachment"
}

// File sends a file of a view, or the part of it that was asked for. Returns CodeNotFound before
// anything is sent.
func File(w http.ResponseWriter, r *http.Request, v whose.View, at, name string) error {
	f, info, err := v.File(at)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing is written
	Head(w, name)
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// Zip sends a folder as one file while it is read. What cannot be read to its end breaks the
// answer off, so that nobody takes a part for the whole. Returns CodeNotFound before anything is
// sent.
func Zip(w http.ResponseWriter, v whose.View, at, name string) error {
	info, err := v.Stat(at)
	if err != nil {
		return err
	}
	Head(w, name+".zip")
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	add := func(file string, info fs.FileInfo) error {
		return put(z, v, file, strings.TrimPrefix(strings.TrimPrefix(file, strings.Trim(at, "/")), "/"), info)
	}
	if info.IsDir() {
		err = v.Walk(strings.Trim(at, "/"), add)
	} else {
		err = put(z, v, at, path.Base(at), info)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func put(z *zip.Writer, v whose.View, file, name string, info fs.FileInfo) error {
	f, _, err := v.File(file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing is written
	out, err := z.CreateHeader(&zip.FileHeader{Name: inside(name), Method: zip.Deflate, Modified: info.ModTime()})
	if err == nil {
		_, err = io.Copy(out, f)
	}
	if err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	return nil
}

// inside is a name in a .zip that no program takes out of its folder.
func inside(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = strings.NewReplacer(`\`, "_", ":", "_").Replace(whose.Shown(p))
	}
	return strings.Join(parts, "/")
}
