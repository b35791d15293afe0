package site

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/rescue/mailbox"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/send"
	"entrechat/internal/room/succession/rescue/whose"
)

// join writes every file of one kind one after the other.
func join(w http.ResponseWriter, view whose.View, ext string) {
	out := bufio.NewWriter(w)
	err := view.Walk("", func(name string, _ fs.FileInfo) error {
		if !strings.EqualFold(path.Ext(name), ext) {
			return nil
		}
		f, _, err := view.File(name)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // nothing is written
		if _, err := io.Copy(out, f); err != nil {
			return err
		}
		_, err = out.WriteString("\r\n")
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		panic(http.ErrAbortHandler) // nobody takes a part for the whole
	}
}

// mailboxes are the pages of mail.
type mailboxes struct{ views }

// mailPage is one mailbox of somebody.
type mailPage struct {
	Owner   core.MemberID
	Item    item
	Folders []box
	Here    box
	Rows    []letter
	Newer   string
	Older   string
}

type box struct {
	Name, Page, Mbox string
	N                int
	Here             bool
}

type letter struct {
	From, Subject, Page string
	At                  core.Moment
	Size                int64
}

func (v mailboxes) mails(r *http.Request) (page mailPage, err error) {
	it, view, err := v.reached(r)
	if err != nil {
		return page, err
	}
	defer view.Close()
	owner, p := core.MemberID(r.PathValue("owner")), v.site.Printer(r)
	page = mailPage{Owner: owner, Item: v.item(p, owner, it)}
	dir, err := folderOf(r)
	if err != nil {
		return page, err
	}
	folders, err := mailbox.Folders(view)
	if err != nil {
		return page, err
	}
	found := false
	for _, f := range folders {
		query := url.Values{"folder": {f.Dir}}.Encode()
		b := box{Name: f.Name, N: f.N, Here: f.Dir == dir, Page: below(owner, "mail", it.ID) + "?" + query, Mbox: below(owner, "mbox", it.ID) + "?" + query}
		if f.Dir == "" {
			b.Name = p.T("succession.rescue.inbox", nil)
		}
		if b.Here {
			page.Here, found = b, true
		}
		page.Folders = append(page.Folders, b)
	}
	from, err := start(r)
	if err == nil && !found {
		err = core.NotFound("succession.rescue.no_file", errors.New("no such mailbox"))
	}
	if err != nil {
		return page, err
	}
	list, all, err := mailbox.List(view, dir, from, perPage)
	for _, m := range list {
		page.Rows = append(page.Rows, letter{m.From, m.Subject, below(owner, "message", it.ID) + "?" + url.Values{"file": {m.File}}.Encode(), m.At, m.Size})
	}
	page.Newer, page.Older = turn(below(owner, "mail", it.ID), "&"+url.Values{"folder": {dir}}.Encode(), from, all)
	return page, err
}

// folderOf is the mailbox that a request names: one folder of a Maildir++, or the inbox.
func folderOf(r *http.Request) (string, error) {
	dir := r.URL.Query().Get("folder")
	if dir != "" && (!strings.HasPrefix(dir, ".") || strings.Contains(dir, "/") || strings.HasPrefix(dir, "..")) {
		return "", core.NotFound("succession.rescue.no_file", errors.New("no such mailbox"))
	}
	return dir, nil
}

func (v mailboxes) message(w http.ResponseWriter, r *http.Request, _ record.Owned, view whose.View) (string, error) {
	m, _, err := mailbox.Open(view, r.URL.Query().Get("file"))
	if err != nil {
		return "", err
	}
	defer m.Close() //nolint:errcheck // nothing is written
	send.Head(w, "message.eml")
	if _, err := io.Copy(w, m); err != nil {
		panic(http.ErrAbortHandler)
	}
	return "message", nil
}

func (v mailboxes) mbox(w http.ResponseWriter, r *http.Request, it record.Owned, view whose.View) (string, error) {
	dir, err := folderOf(r)
	if err != nil {
		return "", err
	}
	name := "inbox"
	if dir != "" {
		name = strings.TrimPrefix(dir, ".")
	}
	send.Head(w, it.Service+"-"+name+".mbox")
	if _, lost, err := mailbox.Write(w, view, dir); err != nil || lost > 0 {
		panic(http.ErrAbortHandler) // nobody takes a part for the whole
	}
	return "mbox", nil
}
