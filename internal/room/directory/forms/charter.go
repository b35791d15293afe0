package forms

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/site"
)

const charterPath = "/admin/transparency"

// transparency is the form about what only the hoster can say.
func (r *Forms) transparency(s *web.Site) web.Pages {
	form := web.NewPage[charterPage](s, pages, "pages/transparency_form.html")
	return web.Pages{
		Routes: []web.Route{{Pattern: charterPath, Handler: form.Form(r.charterForm, r.charter)}},
		Menu:   []web.Entry{{Path: charterPath, Key: "directory.menu_transparency", Group: web.GroupPublic, Order: 11}},
	}
}

// charterPage asks what only the hoster can say.
type charterPage struct{ Fields []web.Field }

func (r *Forms) charterForm(req *http.Request) (page charterPage, err error) {
	for _, topic := range own.Topics() {
		text, _, err := r.n.Own.Note(own.NoteName(topic))
		if err != nil && core.CodeOf(err) != core.CodeInvalid {
			return page, err
		}
		if req.Method == http.MethodPost {
			text = req.PostForm.Get(topic)
		}
		page.Fields = append(page.Fields, web.Field{
			Name: topic, Label: "directory.charter." + topic, Hint: "directory.charter." + topic + "_how", Value: text, Rows: 4,
		})
	}
	return page, nil
}

func (r *Forms) charter(req *http.Request) (string, error) {
	for _, topic := range own.Topics() {
		if err := own.CheckNote(own.Tidy(req.PostForm.Get(topic))); err != nil {
			return "", err
		}
	}
	for _, topic := range own.Topics() {
		if err := r.n.Own.PutNote(own.NoteName(topic), own.Tidy(req.PostForm.Get(topic))); err != nil {
			return "", err
		}
	}
	return site.TransparencyPath, nil
}
