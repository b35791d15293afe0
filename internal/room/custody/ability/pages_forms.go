package ability

import (
	"errors"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/custody/person"
)

// formPage is a page with questions and one button.
type formPage struct{ Fields []web.Field }

func (v views) askCard(r *http.Request) (formPage, error) {
	form := r.PostForm
	return formPage{[]web.Field{
		{Name: "name", Label: "custody.ability.ask_name", Value: form.Get("name"), Required: true},
		{Name: "key", Label: "custody.ability.ask_key", Hint: "custody.ability.ask_key_hint", Value: form.Get("key"), Rows: 3, Required: true},
		{Name: "recipient", Label: "custody.ability.ask_recipient", Hint: "custody.ability.ask_recipient_hint", Value: form.Get("recipient")},
		{Name: "mail", Label: "custody.ability.ask_mail", Hint: "custody.ability.ask_mail_hint", Kind: "email", Value: form.Get("mail")},
		{Name: "household", Label: "custody.ability.ask_household", Hint: "custody.ability.ask_household_hint", Value: form.Get("household")},
	}}, nil
}

func (v views) addCard(r *http.Request) (string, error) {
	form := r.PostForm
	c, err := v.Persons.Add(r.Context(), person.New{
		Name: form.Get("name"), Key: form.Get("key"), Encrypt: form.Get("recipient"), Mail: form.Get("mail"), Household: form.Get("household"),
	})
	return Path + "/" + string(c.ID), err
}

func (v views) askNeed(r *http.Request) (formPage, error) {
	p, form := v.site.Printer(r), r.PostForm
	kind := web.Field{Name: "kind", Label: "custody.ability.ask_kind", Required: true}
	for _, k := range Kinds() {
		kind.Options = append(kind.Options, web.Option{Value: string(k), Text: p.T("custody.ability.kind_"+string(k), nil), Chosen: form.Get("kind") == string(k)})
	}
	return formPage{[]web.Field{
		kind,
		{Name: "subject", Label: "custody.ability.ask_subject", Hint: "custody.ability.ask_subject_hint", Value: form.Get("subject")},
		{Name: "service", Label: "custody.ability.ask_service", Hint: "custody.ability.ask_service_hint", Value: form.Get("service")},
	}}, nil
}

func (v views) addNeed(r *http.Request) (string, error) {
	_, err := v.Add(r.Context(), r.PostForm.Get("service"), r.PostForm.Get("kind"), r.PostForm.Get("subject"))
	return Path, err
}

// peopleOf are the persons a form may choose from; none are left out.
func (v views) peopleOf(r *http.Request, chosen string, none bool) ([]web.Option, error) {
	cards, err := v.Persons.All(r.Context())
	var options []web.Option
	if none {
		options = append(options, web.Option{Value: "", Text: v.site.Printer(r).T("custody.ability.no_second", nil)})
	}
	for _, c := range cards {
		options = append(options, web.Option{Value: string(c.ID), Text: c.Name, Chosen: string(c.ID) == chosen})
	}
	return options, err
}

func (v views) askProof(r *http.Request) (formPage, error) {
	p := v.site.Printer(r)
	what := web.Field{Name: "ability", Label: "custody.ability.ask_ability", Required: true}
	all, err := v.All(r.Context())
	if err != nil {
		return formPage{}, err
	}
	for _, a := range all {
		what.Options = append(what.Options, web.Option{Value: a.ID, Text: kindOf(p, a) + ", " + serviceOf(p, a.Service), Chosen: r.FormValue("ability") == a.ID})
	}
	who := web.Field{Name: "person", Label: "custody.ability.ask_person", Required: true}
	who.Options, err = v.peopleOf(r, r.FormValue("person"), false)
	if len(what.Options) == 0 || len(who.Options) == 0 {
		return formPage{}, err
	}
	return formPage{[]web.Field{what, who}}, err
}

func (v views) beginProof(r *http.Request) (string, error) {
	t, err := v.Prove(r.Context(), r.PostForm.Get("ability"), person.ID(r.PostForm.Get("person")))
	return proofPath + "/" + t.ID, err
}

// proofPage is one proof that was begun: what to do, and where to bring the signature.
type proofPage struct {
	Name, Kind string
	Mailed     string // the address, where a mail has to be answered
	Command    string // what the person types
	Do         string // words key of what else has to be done
	Args       args   // of Do
	Record     string // name of the record
	TXT        string
	File       string
	Typed      string // the command that ends it, where the page cannot
	Subject    string
	Witness    string // what a second person types; empty until one is chosen
	Signature  web.Field
	Second     web.Field
	Seen       web.Field
}

func (v views) proof(r *http.Request) (page proofPage, err error) {
	ch, err := challenge(r.Context(), v.DB, r.PathValue("id"), "", core.At(v.Now()))
	if err != nil {
		return page, err
	}
	a, c, err := v.both(r.Context(), ch.Ability, ch.Person)
	if err != nil {
		return page, err
	}
	second := r.FormValue("witness")
	page = proofPage{Name: c.Name, Kind: kindOf(v.site.Printer(r), a), Command: signs(ch.Line(v.Node)), Subject: a.Subject, Do: "custody.ability.page_second"}
	switch a.Kind.own(a.Subject) {
	case ByTXT:
		page.Do, page.Record, page.TXT = "custody.ability.page_dns", proofName(a.Subject), ch.TXT()
	case ByRoot:
		page.Do, page.File = "custody.ability.page_root", v.RootFile
	case ByCanary:
		page.Do, page.Typed = "custody.ability.page_words", "entrechat custody ability confirm "+ch.ID
	case ByRDAP:
		if ch.Before != "" {
			page.Do = "custody.ability.page_rdap"
		}
	case ByMail:
		page.Do, page.Mailed = "custody.ability.page_mail", a.Subject
	case Witnessed:
	}
	page.Args = args{"Address": page.Mailed, "Subject": a.Subject}
	if second != "" {
		page.Witness = signs(ch.WitnessLine(v.Node, person.ID(second)))
	}
	page.Signature = web.Field{Name: "signature", Label: "custody.ability.ask_signature", Hint: "custody.ability.ask_signature_hint", Value: r.PostForm.Get("signature"), Rows: 7, Required: true}
	page.Second = web.Field{Name: "witness", Label: "custody.ability.ask_second", Hint: "custody.ability.ask_second_hint"}
	page.Second.Options, err = v.peopleOf(r, second, true)
	page.Seen = web.Field{Name: "seen", Label: "custody.ability.ask_seen", Value: r.PostForm.Get("seen"), Rows: 7, Required: true}
	return page, err
}

// signs is the command by which somebody signs a line.
func signs(line string) string {
	return "printf '%s\\n' '" + strings.TrimSpace(line) + "' | ssh-keygen -Y sign -n " + person.Namespace + " -f ~/.ssh/id_ed25519"
}

func (v views) endProof(r *http.Request) (string, error) {
	id, form := r.PathValue("id"), r.PostForm
	if second := form.Get("witness"); second != "" && form.Get("seen") == "" {
		return proofPath + "/" + id + "?witness=" + string(person.ID(second)), nil // the page that says what the second person signs
	}
	_, err := v.Confirm(r.Context(), id, Given{Signature: form.Get("signature"), Witness: person.ID(form.Get("witness")), WitnessSignature: form.Get("seen")})
	if core.CodeOf(err) == core.CodeDenied {
		// Shown above the form: what is not there yet may be there at the next try.
		if e, ok := errors.AsType[*core.Error](err); ok {
			again := *e
			again.Code = core.CodeConflict
			err = &again
		}
	}
	return Path, err
}

// cardPage is one card, and what it would mean if the person left.
type cardPage struct {
	person.Card
	Duties   []person.Duty
	Contacts string
	Proved   []string
	Shares   []string
	Knew     []string
	Changes  []change
	Typed    web.Field
}

// change is the figure of a service before and after.
type change struct{ Service, Before, After string }

func (v views) card(r *http.Request) (page cardPage, err error) {
	c, err := v.Persons.Get(r.Context(), person.ID(r.PathValue("id")))
	if err != nil {
		return page, err
	}
	page.Card = c
	if page.Contacts, err = v.Persons.Contacts(r.Context(), c.ID); err != nil && core.CodeOf(err) != core.CodeInvalid {
		return page, err
	}
	l, err := v.Leaving(r.Context(), c)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page.Duties, page.Shares, page.Knew = l.Duties, l.Shares, l.Knew
	for _, a := range l.Proved {
		page.Proved = append(page.Proved, rotates(p, a))
	}
	for i, b := range l.Before.Services {
		page.Changes = append(page.Changes, change{serviceOf(p, b.Name), says(p, b), says(p, l.After.Services[i])})
	}
	page.Typed = web.Field{Name: "typed", Label: "custody.ability.ask_typed", Required: true}
	return page, nil
}

// leave notes that the person left, whose name was typed.
func (v views) leave(r *http.Request) (string, error) {
	c, err := v.Persons.Get(r.Context(), person.ID(r.PathValue("id")))
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(strings.TrimSpace(r.PostForm.Get("typed")), c.Name) || c.Name == "" {
		return "", core.Invalid("custody.ability.other_name", errors.New("another name was typed"))
	}
	return Path + "/" + string(c.ID), v.Leave(r.Context(), c.ID)
}
