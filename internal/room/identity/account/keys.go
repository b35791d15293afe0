package account

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/signin"
)

// keyRoutes are about how a person signs in.
func (v views) keyRoutes(add func(pattern string, needs need, h http.Handler)) {
	list := web.NewPage[keysPage](v.site, pages, "pages/keys.html")
	form := web.NewPage[formPage](v.site, pages, "pages/form.html")
	maker := web.NewPage[passkeyPage](v.site, pages, "pages/passkey.html").Run(web.NewScript(v.site, signin.Scripts, "pages/passkey.js"))
	codes := web.NewPage[codesPage](v.site, pages, "pages/codes.html")
	spare := web.NewPage[sparePage](v.site, pages, "pages/recovery.html")
	add(pathKeys, fresh, list.Form(v.keys, v.changeKeys))
	add(pathPassword, fresh, form.Form(v.askPassword, v.password))
	add("POST "+pathPasskey, fresh, maker.Answer(v.beginPasskey))
	add("POST "+pathPasskey+"/answer", fresh, list.Form(v.keys, v.passkey))
	add("POST "+pathCodes, fresh, codes.Answer(v.beginCodes))
	add("POST "+pathCodes+"/answer", fresh, codes.Form(v.askCode, v.codes))
	add("POST "+pathSpare, fresh, spare.Answer(v.spare))
}

type keysPage struct {
	credential.Ways
	Can  bool // browsers allow passkeys here
	Done bool // one-time codes were just added
}

func (v views) keys(r *http.Request) (page keysPage, err error) {
	page.Can, page.Done = v.n.Keys.HavePasskeys(), r.URL.Query().Get("done") != ""
	page.Ways, err = v.n.Keys.List(r.Context(), of(r).ID)
	return page, err
}

// changeKeys does what a button beside a key says.
func (v views) changeKeys(r *http.Request) (string, error) {
	me, id, ctx := of(r), r.PostForm.Get("passkey"), r.Context()
	switch r.PostForm.Get("do") {
	case "rename":
		return pathKeys, v.n.Keys.RenamePasskey(ctx, me.ID, id, r.PostForm.Get("name"))
	case "remove-passkey":
		return pathKeys, v.n.Keys.RemovePasskey(ctx, me.ID, id, v.also(r, me, audit.PasskeyRemoved, id))
	case "remove-password":
		return pathKeys, v.n.Keys.RemovePassword(ctx, me.ID, v.also(r, me, audit.PasswordSet, "removed"))
	case "remove-codes":
		return pathKeys, v.n.Keys.RemoveTOTP(ctx, me.ID, v.also(r, me, audit.TOTPRemoved, ""))
	default:
		return "", core.Invalid("web.bad_form", errors.New("no such button"))
	}
}

func (v views) askPassword(r *http.Request) (formPage, error) {
	return formPage{
		Username: of(r).Handle,
		Title:    "identity.account.password", Lead: "identity.account.password_lead", Button: "identity.account.password_set",
		Fields: []web.Field{{
			Name: "password", Label: "identity.signin.new_password", Hint: "identity.signin.new_password_hint", Kind: "password", Complete: "new-password", Required: true,
		}},
	}, nil
}

// password sets another password, and ends the person's other sessions: both, or neither.
func (v views) password(r *http.Request) (string, error) {
	me := of(r)
	hashed, err := v.n.Keys.Hash(r.Context(), r.PostForm.Get("password"), me.Handle, me.Name, me.Mail)
	if err != nil {
		return "", err
	}
	return pathKeys, v.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if err := v.n.Keys.PutPassword(ctx, q, me.ID, hashed); err != nil {
			return err
		}
		if _, err := v.n.Sessions.EndAll(ctx, q, me.ID, me.session.ID); err != nil {
			return err
		}
		return v.noteIn(ctx, q, r, audit.Event{Person: me.ID, Kind: audit.PasswordSet})
	})
}

type passkeyPage struct{ Options, Ceremony string }

// browser is what tells the browser of a session from any other.
func (o own) browser() string { return "session/" + o.session.ID }

func (v views) beginPasskey(_ http.ResponseWriter, r *http.Request) (passkeyPage, error) {
	me := of(r)
	ask, err := v.n.Keys.BeginPasskey(r.Context(), me.browser(), me.Person)
	return passkeyPage{string(ask.Options), ask.Ceremony}, err
}

func (v views) passkey(r *http.Request) (string, error) {
	me := of(r)
	name := r.PostForm.Get("name")
	if strings.TrimSpace(name) == "" {
		name = audit.Browser(r.UserAgent())
	}
	_, err := v.n.Keys.FinishPasskey(r.Context(), me.ID, signin.Answer(r, me.browser()), name, func(ctx context.Context, q db.Querier, made credential.Passkey) error {
		return v.noteIn(ctx, q, r, audit.Event{Person: me.ID, Kind: audit.PasskeyAdded, About: made.ID})
	})
	return pathKeys, signin.Again(err)
}

// codesPage shows a secret for one-time codes, and asks for the first code of it.
type codesPage struct {
	Secret  string
	Picture template.HTML
	Code    web.Field
}

func codeField() web.Field {
	return web.Field{Name: "code", Label: "identity.signin.code", Hint: "identity.account.codes_hint", Complete: "one-time-code", Required: true}
}

func (v views) beginCodes(_ http.ResponseWriter, r *http.Request) (page codesPage, err error) {
	me := of(r)
	made, err := v.n.Keys.AddTOTP(r.Context(), me.ID, me.Handle)
	if err != nil {
		return page, err
	}
	page.Picture, err = web.QR(made.URL)
	page.Code = codeField()
	// In groups of four, as people type.
	for i := 0; i < len(made.Secret); i += 4 {
		page.Secret += made.Secret[i:min(i+4, len(made.Secret))] + " "
	}
	return page, err
}

// askCode asks for the first code again; the secret is not shown twice.
func (v views) askCode(*http.Request) (codesPage, error) { return codesPage{Code: codeField()}, nil }

func (v views) codes(r *http.Request) (string, error) {
	me := of(r)
	good, err := v.n.Keys.ConfirmTOTP(r.Context(), me.ID, strings.Join(strings.Fields(r.PostForm.Get("code")), ""), v.also(r, me, audit.TOTPAdded, ""))
	if err != nil {
		return "", err
	}
	if !good {
		return "", core.Invalid("identity.signin.wrong_code", errors.New("wrong code"))
	}
	return pathKeys + "?done=codes", nil
}

type sparePage struct{ Codes []string }

// spare draws new recovery codes, shown this once.
func (v views) spare(_ http.ResponseWriter, r *http.Request) (page sparePage, err error) {
	me := of(r)
	page.Codes, err = v.n.Keys.NewRecovery(r.Context(), me.ID, v.also(r, me, audit.RecoveryMade, ""))
	return page, err
}
