package draft

import (
	"slices"

	"entrechat/internal/core"
)

// Standing is what a draft can say about one thing that the charter asks for.
type Standing string

// The standings. Nothing here judges whether what was found is good enough:
// people do.
const (
	Found   Standing = "found"    // facts speak for it
	Missing Standing = "missing"  // we looked where it usually is, and it was not there
	OnlyYou Standing = "only_you" // cannot be seen from outside: the hoster has to say
)

// Criterion is one thing that the charter or its admission list asks for. Key
// names two sentences: directory.charter.<key> says what is asked,
// directory.charter.<key>_how what to do about it.
type Criterion struct {
	Key      string
	Standing Standing
	Evidence Facts
}

// Charter holds a draft against the charter's criteria that show in public, and
// names those that only the hoster can answer. now judges expiry dates.
// spec: docs/spec/statoolinfos.md#drafts
func (d Draft) Charter(now core.Moment) []Criterion {
	seen := func(key string, fields ...Field) Criterion {
		c := Criterion{Key: key, Standing: Missing}
		for _, all := range append([]Facts{d.Hoster}, d.facts()...) {
			for _, f := range all {
				for _, field := range fields {
					if f.Field == field {
						c.Evidence, c.Standing = append(c.Evidence, f), Found
					}
				}
			}
		}
		return c
	}
	criteria := []Criterion{
		d.answers(),
		seen("legal", FieldLegal),
		seen("terms", FieldTerms),
		seen("privacy", FieldPrivacy),
		seen("contact", FieldContact, FieldEmail),
		d.everyService("software", FieldProgram),
		d.everyService("version", FieldVersion),
		d.everyService("sign_up", FieldSignUp),
		seen("statistics", FieldUsers, FieldActive),
		seen("status", FieldStatusPage),
		seen("security", FieldSecurity),
		seen("packages", FieldPackages),
	}
	for i := range criteria {
		if criteria[i].Key == "security" && criteria[i].Standing == Found && d.Hoster.Expired(now) {
			criteria[i].Standing = Missing
		}
	}
	ours := make([]Criterion, 0, 9)
	for _, key := range []string{"hardware", "backups", "suppliers", "procedures", "log_retention", "authority_requests", "admins", "economy", "leaving"} {
		ours = append(ours, Criterion{Key: key, Standing: OnlyYou})
	}
	return slices.Concat(criteria, ours)
}

func (d Draft) facts() []Facts {
	all := make([]Facts, 0, len(d.Services))
	for _, s := range d.Services {
		all = append(all, s.Facts)
	}
	return all
}

// answers is whether anything at all was recognised.
func (d Draft) answers() Criterion {
	c := Criterion{Key: "services", Standing: Missing}
	for _, s := range d.Services {
		for _, f := range s.Facts {
			if f.Field == FieldWebsite || f.Field == FieldInterface {
				c.Evidence, c.Standing = append(c.Evidence, f), Found
				break
			}
		}
	}
	return c
}

// everyService is found when each service says it.
func (d Draft) everyService(key string, field Field) Criterion {
	c := Criterion{Key: key, Standing: Found}
	if len(d.Services) == 0 {
		c.Standing = Missing
	}
	for _, s := range d.Services {
		before := len(c.Evidence)
		for _, f := range s.Facts {
			if f.Field == field {
				c.Evidence = append(c.Evidence, f)
			}
		}
		if len(c.Evidence) == before {
			c.Standing = Missing
		}
	}
	return c
}
