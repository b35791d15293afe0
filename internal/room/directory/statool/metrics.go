package statool

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"entrechat/internal/core"
)

// Span is what one value of a series counts.
type Span string

// The spans and how many values a year has of each, at most.
const (
	Months Span = "months"
	Weeks  Span = "weeks"
	Days   Span = "days"
)

// Len is 12, 52 or 366.
func (s Span) Len() int { return map[Span]int{Months: 12, Weeks: 52, Days: 366}[s] }

// Point is one value of a series; the zero value is "not counted", which is not 0.
type Point struct {
	Value float64
	Known bool
}

// Series is one year of one measure. Points may be fewer than Span.Len: the rest
// is not counted.
type Series struct {
	Path   string // between "metrics." and the year: "http.visits.humans"
	Year   int
	Span   Span
	Points []Point
}

// key is where the series stands in a file.
func (s Series) key() string { return fmt.Sprintf("metrics.%s.%04d.%s", s.Path, s.Year, s.Span) }

var seriesKey = regexp.MustCompile(`^metrics\.(.+)\.((?:19|20)[0-9]{2})\.(months|weeks|days)$`)

// Series are the series of a document, in its order. What is not a number is not
// counted; values beyond the year's end are dropped.
// spec: docs/spec/statoolinfos.md#metrics
func (d *Document) Series() []Series {
	var all []Series
	for _, key := range d.Keys() {
		m := seriesKey.FindStringSubmatch(key)
		if m == nil {
			continue
		}
		raw, _ := d.Get(key)
		year, _ := strconv.Atoi(m[2])
		s := Series{Path: m[1], Year: year, Span: Span(m[3])}
		s.Points, _ = readPoints(raw, s.Span)
		all = append(all, s)
	}
	return all
}

// Label is how a measure is called; both may be empty.
type Label struct{ Name, Description string }

// Labels are the names and descriptions of measures, by path.
func (d *Document) Labels() map[string]Label {
	labels := map[string]Label{}
	for _, key := range d.Keys() {
		rest, ok := strings.CutPrefix(key, "metrics.")
		if !ok {
			continue
		}
		raw, _ := d.Get(key)
		if path, found := strings.CutSuffix(rest, ".name"); found {
			labels[path] = Label{Name: readString(raw).text, Description: labels[path].Description}
		} else if path, found := strings.CutSuffix(rest, ".description"); found {
			labels[path] = Label{Name: labels[path].Name, Description: readString(raw).text}
		}
	}
	return labels
}

// SetSeries writes a series, by ";" or as the line that is there has it. Returns
// CodeInvalid for a path, a year or a number of points that no file can have.
func (d *Document) SetSeries(s Series) error {
	key := s.key()
	if !seriesKey.MatchString(key) || len(s.Points) > s.Span.Len() {
		return core.Invalid("directory.statool.bad_series", fmt.Errorf("%s cannot hold %d points", key, len(s.Points))).With("Field", shown(key))
	}
	separator := ";"
	if raw, ok := d.Get(key); ok {
		_, separator = split(raw)
	}
	items := make([]string, len(s.Points))
	for i, p := range s.Points {
		if !p.Known {
			continue
		}
		if items[i] = strconv.FormatFloat(p.Value, 'f', -1, 64); !number.MatchString(items[i]) {
			return core.Invalid("directory.statool.bad_series", fmt.Errorf("%s cannot hold %v", key, p.Value)).With("Field", shown(key))
		}
	}
	return d.Set(key, strings.Join(items, separator))
}

var number = regexp.MustCompile(`^[+-]?[0-9]{1,15}(?:[.,][0-9]{1,20})?$`)

// readPoints reads a list of numbers, and says the remark of what was wrong.
func readPoints(raw string, span Span) (points []Point, remark string) {
	items, separator := split(raw)
	if strings.TrimSpace(raw) == "" {
		return nil, ""
	}
	if separator == "," {
		remark = "directory.statool.list_comma"
	}
	for i, item := range items {
		if i == span.Len() {
			return points, "directory.statool.list_long"
		}
		p := Point{}
		if item != "" {
			value, err := strconv.ParseFloat(strings.Replace(item, ",", ".", 1), 64)
			if p = (Point{Value: value, Known: err == nil && number.MatchString(item)}); !p.Known {
				p, remark = Point{}, "directory.statool.bad_number"
			}
		}
		points = append(points, p)
	}
	return points, remark
}

// metric checks one key of the metrics section.
func (v *validator) metric(key, raw string) {
	m := seriesKey.FindStringSubmatch(key)
	switch {
	case m == nil && (strings.HasSuffix(key, ".name") || strings.HasSuffix(key, ".description")):
		v.value(Field{Path: key, Type: TypeString}, key, raw)
		return
	case m == nil:
		v.say(Warning, key, "directory.statool.bad_metric_key", nil)
		return
	}
	span := Span(m[3])
	points, remark := readPoints(raw, span)
	severity := Error
	switch remark {
	case "":
		return
	case "directory.statool.list_comma":
		severity = Note
	case "directory.statool.list_long":
		severity = Warning
	}
	v.say(severity, key, remark, map[string]any{"Value": shown(strings.TrimSpace(raw)), "Now": len(points), "Limit": span.Len()})
}
