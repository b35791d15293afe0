package account

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

// data is all that lies here of a person, as a file.
func (v views) data(w http.ResponseWriter, r *http.Request) {
	me := of(r)
	all, err := everything(r.Context(), v.n.DB, me.ID)
	if err == nil {
		err = v.note(r, me, audit.Exported, "")
	}
	var text []byte
	if err == nil {
		text, err = json.MarshalIndent(all, "", "  ")
	}
	if err != nil {
		v.site.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+me.Handle+`.json"`) // a handle has no sign that ends it
	w.Write(text)
}

type leavePage struct {
	Handle  string
	Visitor bool
	Typed   web.Field
}

func (v views) askLeave(r *http.Request) (leavePage, error) {
	me := of(r)
	return leavePage{me.Handle, me.Kind == person.Visitor, web.Field{Name: "handle", Label: "identity.account.leave_type", Required: true}}, nil
}

// leave ends the account, once its owner typed its handle.
func (v views) leave(w http.ResponseWriter, r *http.Request) (string, error) {
	me := of(r)
	if strings.TrimSpace(r.PostForm.Get("handle")) != me.Handle {
		return "", core.Invalid("identity.account.leave_typed", errors.New("another handle"))
	}
	if _, err := v.n.Close(r.Context(), me.Person, me.ID); err != nil {
		return "", err
	}
	return pathLeave + "/done", v.n.Sessions.Leave(w, r)
}
