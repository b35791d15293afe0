package imports

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/credential"
)

// entry is one entry of an LDIF file: values by the name of their attribute, lower case,
// without options.
type entry struct {
	line   int
	dn     string
	values map[string][]string
}

func (e entry) first(names ...string) string {
	for _, name := range names {
		for _, v := range e.values[name] {
			if strings.TrimSpace(v) != "" {
				return v
			}
		}
	}
	return ""
}

func (e entry) is(classes ...string) bool {
	return slices.ContainsFunc(e.values["objectclass"], func(c string) bool { return slices.Contains(classes, strings.ToLower(strings.TrimSpace(c))) })
}

// wanted says which attributes we read; the others may be of any size.
func wanted(name string) bool {
	switch name {
	case "dn", "objectclass", "uid", "cn", "displayname", "givenname", "sn", "mail", "userpassword", "preferredlanguage",
		"memberuid", "member", "uniquemember", "changetype":
		return true
	}
	return false
}

// ldif reads entries of people and the groups they are in. A value behind a URL (`attr:<`) is
// never fetched.
func (r *reader) ldif(text []byte) error {
	var people, groups []entry
	err := r.entries(string(text), func(e entry) error {
		switch {
		case e.is("posixgroup", "groupofnames", "groupofuniquenames", "groupofmembers") && !e.is("inetorgperson", "posixaccount"):
			groups = append(groups, e)
		case e.first("uid") != "" && (e.is("inetorgperson", "person", "organizationalperson", "posixaccount", "account", "mailaccount") || e.first("userpassword", "mail") != ""):
			people = append(people, e)
		case e.dn != "" && e.is("inetorgperson", "person", "organizationalperson"):
			r.say(e.line, "identity.imports.no_uid", nil)
		}
		if len(people) > MaxRecords || len(groups) > MaxRecords {
			return core.Invalid("identity.imports.too_many", nil).With("Most", MaxRecords)
		}
		return nil
	})
	if err != nil {
		return err
	}
	in := memberships(groups)
	for _, e := range people {
		uid := e.first("uid")
		rec := Record{
			Line: e.line, UID: uid, Name: e.first("displayname", "cn"), Mail: e.first("mail"), Lang: e.first("preferredlanguage"),
			Hash: hashOf(e.values["userpassword"]), Groups: in[strings.ToLower(uid)],
		}
		if rec.Name == "" {
			rec.Name = strings.TrimSpace(e.first("givenname") + " " + e.first("sn"))
		}
		if mails := e.values["mail"]; len(mails) > 1 {
			rec.More = mails[1:]
		}
		if err := r.add(rec); err != nil {
			return err
		}
	}
	return nil
}

// hashOf is the first hash that can be checked, or else the first.
func hashOf(all []string) string {
	for _, hash := range all {
		if credential.CheckHash(hash) == nil {
			return hash
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return ""
}

// memberships are the groups of each uid, lower case. A group that is called as its only
// member is how some directories keep a person's own group, and is none.
func memberships(groups []entry) map[string][]string {
	in := map[string][]string{}
	for _, g := range groups {
		name, uids := tidy(g.first("cn")), g.members()
		if name == "" || len(uids) == 1 && uids[0] == strings.ToLower(name) {
			continue
		}
		for _, uid := range uids {
			if len(in[uid]) < maxGroups && !slices.Contains(in[uid], name) {
				in[uid] = append(in[uid], name)
			}
		}
	}
	return in
}

// members are the uids of a group, lower case.
func (e entry) members() []string {
	var uids []string
	for _, uid := range e.values["memberuid"] {
		uids = append(uids, strings.ToLower(tidy(uid)))
	}
	for _, dn := range slices.Concat(e.values["member"], e.values["uniquemember"]) {
		if uid, ok := uidOf(dn); ok {
			uids = append(uids, uid)
		}
	}
	return uids
}

// uidOf is the uid at the beginning of a distinguished name.
func uidOf(dn string) (string, bool) {
	first, _, _ := strings.Cut(dn, ",")
	name, value, ok := strings.Cut(first, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "uid") || strings.Contains(value, `\`) {
		return "", false
	}
	return strings.ToLower(strings.TrimSpace(value)), true
}

// entries reads RFC 2849's records of content, and those of changes that add.
func (r *reader) entries(text string, take func(entry) error) error {
	e := entry{values: map[string][]string{}}
	flush := func() error {
		done := e
		e = entry{values: map[string][]string{}}
		if done.dn == "" {
			return nil
		}
		if kind := done.first("changetype"); kind != "" && !strings.EqualFold(kind, "add") {
			r.say(done.line, "identity.imports.change_left", nil)
			return nil
		}
		return take(done)
	}
	number, err := 0, error(nil)
	for text != "" && err == nil {
		var line string
		begin := number + 1
		line, text, number = logical(text, number)
		switch {
		case line == "":
			err = flush()
		case strings.HasPrefix(line, "#"):
		default:
			err = r.attribute(&e, line, begin)
		}
	}
	return errors.Join(err, flush())
}

// logical takes one line with those that continue it; number counts lines of the file.
func logical(text string, number int) (line, rest string, now int) {
	var out strings.Builder
	for {
		var one string
		one, text, _ = strings.Cut(text, "\n")
		number++
		out.WriteString(strings.TrimSuffix(one, "\r"))
		if !strings.HasPrefix(text, " ") {
			return out.String(), text, number
		}
		text = text[1:]
	}
}

// attribute reads one line of an entry.
func (r *reader) attribute(e *entry, line string, number int) error {
	name, value, ok := strings.Cut(line, ":")
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), ";")
	if !ok {
		return core.Invalid("identity.imports.bad_line", errors.New("a line without a colon")).With("Line", number)
	}
	if !wanted(name) {
		return nil
	}
	switch {
	case strings.HasPrefix(value, "<"):
		r.say(number, "identity.imports.url_left", map[string]any{"Name": name})
		return nil
	case strings.HasPrefix(value, ":"):
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[1:]))
		if err != nil {
			return core.Invalid("identity.imports.bad_line", err).With("Line", number)
		}
		value = string(raw)
	default:
		value = strings.TrimSpace(value)
	}
	if len(value) > maxValue {
		r.say(number, "identity.imports.long_left", map[string]any{"Name": name})
		return nil
	}
	if name == "dn" {
		if e.dn != "" {
			return core.Invalid("identity.imports.bad_line", errors.New("two entries without an empty line between")).With("Line", number)
		}
		e.dn, e.line = value, number
		return nil
	}
	e.values[name] = append(e.values[name], value)
	return nil
}
