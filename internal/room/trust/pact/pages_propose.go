package pact

import (
	"errors"
	"net/http"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
)

// proposePage is the form of a new pact: the promises most pacts are made of. The
// others are for the command line.
type proposePage struct {
	Nobody bool // no member was added yet
	Fields []web.Field
}

func (v views) askTerms(r *http.Request) (proposePage, error) {
	list, err := member.All(r.Context(), v.DB)
	with := web.Field{Name: "with", Label: "trust.col.with", Required: true}
	for _, m := range list {
		if m.Standing == member.Added && !m.Refused {
			id := string(m.ID())
			with.Options = append(with.Options, web.Option{Value: id, Text: id, Chosen: r.FormValue("with") == id})
		}
	}
	field := func(name, kind, value string) web.Field {
		if r.Method == http.MethodPost {
			value = r.PostForm.Get(name)
		}
		return web.Field{Name: name, Label: "trust.propose." + name, Hint: "trust.propose." + name + "_hint", Kind: kind, Value: value}
	}
	purpose := field("purpose", "", "")
	purpose.Rows = 4
	fields := []web.Field{with}
	for _, t := range v.Types {
		for _, way := range []string{"give", "ask"} {
			if t.InForm {
				f := field(way+"_"+string(t.Kind), "", t.Usual)
				f.Label, f.Hint = t.Words+way, t.Words+way+"_hint"
				fields = append(fields, f)
			}
		}
	}
	fields = append(fields, field("notice", "number", strconv.Itoa(defaultNotice)), field("review", "date", ""), purpose)
	return proposePage{len(with.Options) == 0, fields}, err
}

// propose sends what the form says, and goes on to the convention it makes.
func (v views) propose(r *http.Request) (string, error) {
	typed := r.PostForm.Get
	to, err := core.ParseMemberID(typed("with"))
	if err != nil {
		return "", err
	}
	terms := Terms{Review: typed("review"), Purpose: document.TidyProse(typed("purpose"))}
	give, ask := grant.NewFlags(v.Types, ""), grant.NewFlags(v.Types, "")
	for _, t := range v.Types {
		if t.InForm {
			give.Set(t.Kind, typed("give_"+string(t.Kind)))
			ask.Set(t.Kind, typed("ask_"+string(t.Kind)))
		}
	}
	if terms.Give, err = give.Grants(); err != nil {
		return "", withoutFlag(err)
	}
	if terms.Ask, err = ask.Grants(); err != nil {
		return "", withoutFlag(err)
	}
	if len(terms.Give)+len(terms.Ask) == 0 {
		return "", core.Invalid("trust.empty_form", errors.New("no grant was typed"))
	}
	if days := typed("notice"); days != "" {
		if terms.NoticeDays, err = strconv.ParseInt(days, 10, 64); err != nil {
			return "", withoutFlag(grant.BadQuantity("notice", days, err))
		}
	}
	h, err := v.Propose(r.Context(), to, terms)
	return Path + "/" + h.ID, err
}

// withoutFlag says a mistake to somebody who typed no command.
func withoutFlag(err error) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Key != "trust.bad_quantity" {
		return err
	}
	return &core.Error{Code: e.Code, Key: "trust.bad_amount", Args: e.Args, Err: e.Err}
}
