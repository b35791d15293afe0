package alert

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
)

// clock writes a time of the rota on the rota's own clock.
func clock(p *words.Printer, at time.Time) string {
	if p.Lang == words.French {
		return at.Format("02/01/2006 15:04")
	}
	return at.Format("2 Jan 2006 15:04")
}

// newPage asks for what nobody else can know; More has what may stay as it is.
type newPage struct {
	Fields, More []web.Field
	Wake, Typed  bool
}

// typed is a field with what was typed in it, or a first value.
func typed(r *http.Request, name, first string) web.Field {
	if r.Method == http.MethodPost {
		first = r.PostForm.Get(name)
	}
	return web.Field{Name: name, Label: "watch.alert.field_" + name, Hint: "watch.alert.field_" + name + "_hint", Value: first}
}

func (v views) kinds(r *http.Request) web.Field {
	f := typed(r, "kind", string(contact.Mail))
	p := v.site.Printer(r)
	f.Required = true
	for _, k := range contact.Kinds() {
		f.Options = append(f.Options, web.Option{Value: string(k), Text: p.T("watch.alert.channel_"+string(k), nil), Chosen: string(k) == f.Value})
	}
	return f
}

func (v views) channelFields(r *http.Request) []web.Field {
	address, token := typed(r, "address", ""), typed(r, "token", "")
	address.Required, token.Secret, token.Kind = true, true, "password"
	return []web.Field{v.kinds(r), address, token}
}

func (v views) askPerson(r *http.Request) (newPage, error) {
	name := typed(r, "name", "")
	name.Required = true
	p := v.site.Printer(r)
	lang := typed(r, "lang", p.Lang)
	lang.Required = true
	for _, l := range []string{words.French, words.English} {
		lang.Options = append(lang.Options, web.Option{Value: l, Text: p.T("watch.alert.lang_"+l, nil), Chosen: l == lang.Value})
	}
	return newPage{
		Fields: append([]web.Field{name}, v.channelFields(r)...),
		More:   []web.Field{lang, typed(r, "zone", "Europe/Paris"), typed(r, "hours", "22:00-07:00"), typed(r, "id", "")},
		Wake:   r.PostForm.Get("wake") != "", Typed: r.Method == http.MethodPost,
	}, nil
}

func (v views) addPerson(r *http.Request) (string, error) {
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	quiet, err := ParseQuiet(get("hours"), get("wake") != "")
	if err != nil {
		return "", err
	}
	c := contact.Channel{ID: get("kind"), Kind: contact.Kind(get("kind")), Address: get("address"), Token: get("token")}
	if !slices.Contains(contact.Kinds(), c.Kind) {
		return "", core.Invalid("watch.alert.bad_kind", errors.New("unknown kind")).With("Value", get("kind"))
	}
	id := get("id")
	if id == "" {
		plan, _, err := v.Plan(r.Context(), v.self())
		if err != nil {
			return "", err
		}
		id = freshID(plan, get("name"))
	}
	person := contact.Person{ID: id, Name: get("name"), Lang: get("lang"), Zone: get("zone"), Quiet: quiet, Channels: []contact.Channel{c}}
	return Path, v.AddPerson(r.Context(), person)
}

// freshID makes a short name of a person's name that the plan does not have: "Zoé B." is
// "zoe-b", the next one "zoe-b-2".
func freshID(plan contact.Plan, name string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case unicode.Is(unicode.Mn, r):
			return -1
		}
		return '-'
	}, norm.NFD.String(strings.ToLower(name)))
	id = strings.Trim(id[:min(len(id), 32)], "-")
	if id == "" {
		id = "person"
	}
	for n, first := 2, id; ; n++ {
		if _, taken := plan.Person(id); !taken {
			return id
		}
		id = first + "-" + strconv.Itoa(n)
	}
}

type personPage struct {
	Name       string
	Quiet      string // its quiet hours in words
	Typed      string // the form that comes back
	Channels   []listedChannel
	Add, Hours []web.Field
	Wake       bool
}

func (v views) person(r *http.Request) (page personPage, err error) {
	plan, _, err := v.Plan(r.Context(), v.self())
	if err != nil {
		return page, err
	}
	person, err := find(&plan, r.PathValue("person"))
	if err != nil {
		return page, err
	}
	channels, err := v.channels(r.Context(), v.site.Printer(r))
	if err != nil {
		return page, err
	}
	hours, wake := "", person.Quiet.Wake
	if person.Quiet.From != "" {
		hours = string(person.Quiet.From) + "-" + string(person.Quiet.To)
	}
	field := web.Field{Name: "hours", Label: "watch.alert.field_hours", Hint: "watch.alert.field_hours_hint", Value: hours}
	if r.PostForm.Get("do") == "quiet" {
		field, wake = typed(r, "hours", hours), r.PostForm.Get("wake") != ""
	}
	return personPage{
		Name: person.Name, Quiet: quietText(v.site.Printer(r), *person), Typed: r.PostForm.Get("do"), Channels: channels(*person), Add: v.channelFields(r), Hours: []web.Field{field}, Wake: wake,
	}, nil
}

func (v views) changePerson(r *http.Request) (string, error) {
	ctx, id := r.Context(), r.PathValue("person")
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	switch get("do") {
	case "add_channel":
		_, err := v.AddChannel(ctx, id, contact.Channel{Kind: contact.Kind(get("kind")), Address: get("address"), Token: get("token")}, false)
		return Path + "/people/" + id, err
	case "remove_channel":
		return Path + "/people/" + id, v.RemoveChannel(ctx, id, get("channel"))
	case "quiet":
		quiet, err := ParseQuiet(get("hours"), get("wake") != "")
		if err != nil {
			return "", err
		}
		return Path, v.Edit(ctx, func(plan *contact.Plan) error {
			person, err := find(plan, id)
			if err == nil {
				person.Quiet = quiet
			}
			return err
		})
	case "remove":
		if get("sure") == "" {
			return "", core.Invalid("watch.alert.tick_first", errors.New("not confirmed"))
		}
		return Path, v.RemovePerson(ctx, id)
	}
	return "", core.Invalid("web.bad_form", errors.New("no such button"))
}
