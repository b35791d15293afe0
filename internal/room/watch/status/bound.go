package status

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/verdict"
)

// What a snapshot may hold at most.
const (
	// MaxSnapshot is the size of its JSON, in bytes; with its signature it stays within
	// seal.MaxDocument.
	MaxSnapshot = 190_000

	MaxServices    = 100
	MaxDays        = 90
	maxPoints      = 200 // of a latency series
	maxMonths      = 24
	maxIncidents   = 100
	maxMaintenance = 50
	maxLines       = 60
	maxNotes       = 20
	maxNames       = 20

	maxName = 80   // runes of a name
	maxWord = 200  // runes of a sentence of a promise
	maxSays = 8    // sentences of a promise
	maxText = 4000 // runes of a note or of an answer in a postmortem; of maintenance a quarter
	maxID   = 64   // bytes of an id

	maxSeconds = 1 << 40 // more than any span
	maxMoment  = 1<<53 - 1
)

// Clean makes a stranger's text harmless to show anywhere: valid UTF-8 without control
// characters and without what turns the direction of writing, at most n runes. Line breaks
// stay where lines says so, and are spaces elsewhere.
func Clean(text string, n int, lines bool) string {
	text = text[:min(len(text), 8*n+64)] // all that can matter, and no more is read
	var out strings.Builder
	count := 0
	for _, r := range text {
		switch {
		case ' ' <= r && r < 0x7f:
		case r == '\r' && lines:
			continue
		case r == '\r' || r == '\n' && !lines || r == '\t' || r == '\u2028' || r == '\u2029':
			r = ' '
		case r == '\n':
		case !writable(r):
			continue
		}
		if count++; count > n {
			break
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}

// writable are letters, signs and spaces of any script, and what joins them. Control
// characters are not, nor those that turn the direction of what stands around them, nor
// what XML may not hold.
func writable(r rune) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	return r != unicode.ReplacementChar && strconv.IsPrint(r) || unicode.Is(unicode.Zs, r) || r == joiner || r == nonJoiner
}

// Bounded makes a snapshot safe to sign, serve and show, whoever filled it: its lists and
// texts are cut, its numbers are within range, states and kinds it does not know are
// unknown or left out.
func (s Snapshot) Bounded() Snapshot {
	s.Name = Clean(s.Name, maxName, false)
	s.Name = cmp.Or(s.Name, string(s.Hoster))
	s.Made, s.Basis, s.Heard = moment(s.Made), moment(s.Basis), moment(s.Heard)
	s.Voters = count(s.Voters)
	if _, err := time.LoadLocation(s.Zone); err != nil || len(s.Zone) > maxID || s.Zone == "Local" {
		s.Zone = ""
	}
	s.LeftOut = names(s.LeftOut)
	s.Services = slices.Clone(head(s.Services, MaxServices))
	seen := map[string]bool{}
	for i := range s.Services {
		s.Services[i] = s.Services[i].bounded()
		seen[s.Services[i].ID] = true
	}
	if len(seen) < len(s.Services) {
		s.Services = slices.DeleteFunc(s.Services, func(x Service) bool {
			first := seen[x.ID]
			delete(seen, x.ID)
			return !first
		})
	}
	s.Incidents = slices.DeleteFunc(slices.Clone(s.Incidents), func(i Incident) bool { return !plainID(i.ID) })
	slices.SortStableFunc(s.Incidents, newestFirst)
	s.Incidents = head(s.Incidents, maxIncidents)
	room := MaxSnapshot
	for i := range s.Incidents {
		s.Incidents[i] = s.Incidents[i].bounded()
		if room -= s.Incidents[i].weight(); room < 0 {
			s.Incidents = s.Incidents[:i]
			s = s.without("incidents")
			break
		}
	}
	s.Maintenance = slices.DeleteFunc(slices.Clone(s.Maintenance), func(m Maintenance) bool { return !plainID(m.ID) })
	slices.SortStableFunc(s.Maintenance, func(a, b Maintenance) int { return cmp.Compare(a.From, b.From) })
	s.Maintenance = head(s.Maintenance, maxMaintenance)
	for i := range s.Maintenance {
		m := &s.Maintenance[i]
		m.Services, m.Text = names(m.Services), Clean(m.Text, maxText/4, true)
		m.Said, m.From, m.To, m.Ended = moment(m.Said), moment(m.From), moment(m.To), moment(m.Ended)
	}
	return s
}

// newestFirst orders incidents: those that go on come before all others.
func newestFirst(a, b Incident) int {
	if open := (b.Closed == 0); open != (a.Closed == 0) {
		if open {
			return 1
		}
		return -1
	}
	return cmp.Compare(b.Opened, a.Opened)
}

func (s Service) bounded() Service {
	s.Name = cmp.Or(Clean(s.Name, maxName, false), "?")
	s.ID = ServiceID(s.Name)
	s.State, s.Since = known(s.State), moment(s.Since)
	s.Voters = count(s.Voters)
	s.Failing = min(count(s.Failing), s.Voters)
	s.Days = slices.DeleteFunc(slices.Clone(tail(s.Days, MaxDays)), func(d Day) bool { return !dated(d.Date, time.DateOnly) })
	for i := range s.Days {
		s.Days[i].Parts = s.Days[i].bounded()
	}
	if s.Latency != nil {
		s.Latency = &Latency{s.Latency.Day.bounded(), s.Latency.Month.bounded()}
	}
	if s.Promise != nil {
		p := s.Promise.bounded()
		s.Promise = &p
	}
	if b := s.Behind; b != nil {
		s.Behind = &Behind{Clean(b.Software, maxName, false), Clean(b.Version, maxName, false), moment(b.Since)}
	}
	s.Restore = Restore{count(s.Restore.Count), seconds(s.Restore.P50), seconds(s.Restore.P90)}
	return s
}

func (p Promise) bounded() Promise {
	p.Away, p.AwayNow = seconds(p.Away), seconds(p.AwayNow)
	says := map[string][]string{}
	for _, lang := range []string{words.French, words.English} {
		for _, one := range head(p.Says[lang], maxSays) {
			if one = Clean(one, maxWord, false); one != "" {
				says[lang] = append(says[lang], one)
			}
		}
	}
	p.Says = says
	p.Outages = count(p.Outages)
	p.Restored = min(count(p.Restored), p.Outages)
	p.Months = slices.DeleteFunc(slices.Clone(tail(p.Months, maxMonths)), func(m Month) bool { return !dated(m.Month, "2006-01") })
	for i := range p.Months {
		m := &p.Months[i]
		m.Parts = m.bounded()
		switch m.Kept {
		case Kept, Missed, Running:
		default:
			m.Kept = Unsure
		}
	}
	return p
}

func (p Parts) bounded() Parts {
	return Parts{seconds(p.Up), seconds(p.Partial), seconds(p.Down), seconds(p.Maint), seconds(p.Unknown)}
}

func (s Series) bounded() Series {
	s.From, s.Step = moment(s.From), max(seconds(s.Step), 1)
	s.P50, s.P95 = slices.Clone(tail(s.P50, maxPoints)), slices.Clone(tail(s.P95, maxPoints))
	for _, values := range [][]int64{s.P50, s.P95} {
		for i, v := range values {
			values[i] = min(max(v, -1), 3_600_000)
		}
	}
	return s
}

func (i Incident) bounded() Incident {
	i.Services, i.State = names(i.Services), known(i.State)
	i.Opened, i.Closed = moment(i.Opened), moment(i.Closed)
	i.Timeline = slices.DeleteFunc(slices.Clone(i.Timeline), func(l Line) bool { return !l.Kind.known() })
	if extra := len(i.Timeline) - maxLines; extra > 0 {
		// How it began and how it ended are worth more than what came between.
		i.Timeline = slices.Delete(i.Timeline, maxLines/2, maxLines/2+extra)
	}
	for n := range i.Timeline {
		l := &i.Timeline[n]
		l.At, l.Service = moment(l.At), Clean(l.Service, maxName, false)
		l.Count, l.Of = count(l.Count), count(l.Of)
	}
	i.Notes = slices.Clone(tail(i.Notes, maxNotes))
	for n := range i.Notes {
		note := &i.Notes[n]
		note.At, note.Text = moment(note.At), Clean(note.Text, maxText, true)
		if note.Withdrawn {
			note.Text = ""
		}
		switch note.Kind {
		case NoteOpen, NoteCorrection, NoteClose:
		default:
			note.Kind = NoteUpdate
		}
	}
	if i.Lesson != nil {
		lesson := i.Lesson.bounded()
		i.Lesson = &lesson
	}
	return i
}

// weight is about how many bytes of JSON an incident takes, and never more than it takes.
func (i Incident) weight() int {
	n := 50 * len(i.Timeline)
	for _, note := range i.Notes {
		n += len(note.Text)
	}
	if p := i.Lesson; p != nil {
		n += len(p.Happened) + len(p.Whom) + len(p.Depended) + len(p.Without) + len(p.Change)
	}
	return n
}

func (p Postmortem) bounded() Postmortem {
	if p.Withdrawn {
		return Postmortem{At: moment(p.At), Withdrawn: true}
	}
	p.At = moment(p.At)
	for _, text := range []*string{&p.Happened, &p.Whom, &p.Depended, &p.Without, &p.Change} {
		*text = Clean(*text, maxText, true)
	}
	p.Answer = Clean(p.Answer, 300, false)
	return p
}

func (k LineKind) known() bool {
	switch k {
	case LineSuspected, LineDown, LinePartial, LineUnknown, LineUp, LineUnstable, LineTold, LineAcknowledged, LineMaintenance, LineOpened, LineClosed:
		return true
	}
	return false
}

func known(s verdict.State) verdict.State {
	switch s {
	case verdict.Up, verdict.Partial, verdict.Down:
		return s
	case verdict.Unknown:
	}
	return verdict.Unknown
}

func moment(m core.Moment) core.Moment { return min(max(m, 0), maxMoment) }

func seconds(n int64) int64 { return min(max(n, 0), maxSeconds) }

func count(n int) int { return min(max(n, 0), 1_000_000) }

func dated(text, layout string) bool {
	_, err := time.Parse(layout, text)
	return err == nil
}

// plainID says whether an id may stand in an address as it is.
func plainID(id string) bool {
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

func names(all []string) (out []string) {
	for _, name := range head(all, maxNames) {
		if name = Clean(name, maxName, false); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func head[T any](all []T, n int) []T { return all[:min(len(all), n)] }

func tail[T any](all []T, n int) []T { return all[max(len(all)-n, 0):] }

// Encode writes a bounded snapshot as JSON of at most MaxSnapshot bytes: what is worth
// least is left out until it fits, and LeftOut says what.
func (s Snapshot) Encode() ([]byte, Snapshot, error) {
	for step := 0; ; step++ {
		text, err := wire.Encode(s)
		if err != nil || len(text) <= MaxSnapshot {
			return text, s, err
		}
		s = s.lighter(step)
	}
}

// lighter leaves out a little more at each step; after some steps little is left.
func (s Snapshot) lighter(step int) Snapshot {
	s.Services, s.Incidents = slices.Clone(s.Services), slices.Clone(s.Incidents)
	switch step {
	case 0:
		for i := range s.Services {
			s.Services[i].Latency = nil
		}
		return s.without("latency")
	case 1:
		for i := range s.Incidents {
			if s.Incidents[i].Closed != 0 {
				s.Incidents[i].Timeline = nil
			}
		}
		return s.without("history")
	case 2, 3, 4, 5, 6:
		s.Incidents = s.Incidents[:len(s.Incidents)/2]
		return s.without("incidents")
	case 7, 8, 9:
		for i := range s.Services {
			s.Services[i].Days = tail(s.Services[i].Days, []int{30, 7, 0}[step-7])
		}
		return s.without("days")
	case 10:
		s.Incidents = nil
		for i := range s.Services {
			s.Services[i].Promise = nil
		}
		s.Maintenance = head(s.Maintenance, 5)
	default:
		s.Services, s.Maintenance = s.Services[:len(s.Services)/2], nil
	}
	return s.without("services")
}

func (s Snapshot) without(what string) Snapshot {
	if !slices.Contains(s.LeftOut, what) {
		s.LeftOut = append(slices.Clone(s.LeftOut), what)
	}
	return s
}
