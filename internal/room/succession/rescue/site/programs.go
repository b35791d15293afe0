package site

import (
	"fmt"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/rescue/dav"
	"entrechat/internal/room/succession/rescue/gitread"
	"entrechat/internal/room/succession/rescue/letin"
	"entrechat/internal/room/succession/rescue/whose"
)

// programs are the routes for WebDAV and git.
type programs struct{ views }

// refuse asks a program for a password.
func refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="rescue", charset="UTF-8"`)
	http.Error(w, "a password from the page of your data is needed", http.StatusUnauthorized)
}

// plainly tells a program an error, without a page around it.
func plainly(w http.ResponseWriter, err error) {
	status := core.CodeOf(err).HTTPStatus()
	http.Error(w, http.StatusText(status), status)
}

func (v programs) dav(w http.ResponseWriter, r *http.Request) {
	owner, _, err := v.owner(r)
	if err != nil {
		plainly(w, err)
		return
	}
	g, ok, err := v.Doors.Program(r, owner)
	if err != nil {
		plainly(w, err)
		return
	}
	if !ok {
		refuse(w)
		return
	}
	items, err := v.Records.Mine(r.Context(), owner, g.Who)
	if err != nil {
		plainly(w, err)
		return
	}
	tree, seen := dav.Tree{Prefix: below(owner, "dav") + "/"}, map[string]int{}
	for _, it := range items {
		name := it.Service + "-" + string(it.Kind)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		tree.Roots = append(tree.Roots, dav.Root{Name: name, Open: it.Open})
	}
	tree.Serve(w, r, r.PathValue("path"), func() { v.counted(r, owner, "dav") })
}

func (v programs) git(w http.ResponseWriter, r *http.Request) {
	owner, _, err := v.owner(r)
	var g letin.Guest
	if err == nil {
		g, _, err = v.Doors.Program(r, owner)
	}
	if err == nil && g.Who == "" {
		g, _, err = v.Doors.Guest(r, owner)
	}
	if err != nil {
		plainly(w, err)
		return
	}
	it, err := v.found(r, g)
	if err != nil && g.Who == "" && core.CodeOf(err) == core.CodeNotFound {
		refuse(w)
		return
	}
	if err == nil && it.Kind != whose.Git {
		err = core.NotFound("succession.rescue.no_file", fmt.Errorf("%s is no git", it.Kind))
	}
	if err != nil {
		plainly(w, err)
		return
	}
	view, err := it.Open()
	if err != nil {
		plainly(w, err)
		return
	}
	defer view.Close()
	gitread.Serve(w, r, view, r.PathValue("path"), func() { v.counted(r, owner, "git") })
}
