package signin

import (
	"net/http"

	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
)

// keyPage asks a device for a passkey, by its script.
type keyPage struct {
	Options, Ceremony string
	Action, Back      string
	Target            target
}

func newKeyPage(ask credential.Ask, action, back string) keyPage {
	return keyPage{Options: string(ask.Options), Ceremony: ask.Ceremony, Action: action, Back: back}
}

func (v views) passkeyPage(w http.ResponseWriter, r *http.Request) (keyPage, error) {
	ask, err := v.begunPasskey(w, r)
	t := parseTarget(r.PostForm)
	page := newKeyPage(ask, pathPasskey+"/answer", pathSignIn+t.query())
	page.Target = t
	return page, err
}

func (v views) invitePasskey(_ http.ResponseWriter, r *http.Request) (keyPage, error) {
	token := r.PathValue("token")
	ask, err := v.askPasskey(r.Context(), token)
	back := pathInvite + "/" + token
	return newKeyPage(ask, back+"/passkey/answer", back), err
}

func (v views) invitedPasskey(w http.ResponseWriter, r *http.Request) (string, error) {
	return v.choosePasskey(w, r, r.PathValue("token"))
}

// ChoiceField asks what somebody wants done on the day the hoster closes.
func ChoiceField(p *words.Printer, chosen person.Choice) web.Field {
	f := web.Field{Name: "choice", Label: "identity.signin.choice", Required: true}
	for _, c := range []person.Choice{person.Archive, person.HandOver, person.Erase} {
		f.Options = append(f.Options, web.Option{Value: string(c), Text: p.T("identity.signin.choice_"+string(c), nil), Chosen: c == chosen})
	}
	return f
}
