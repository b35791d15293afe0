package imports

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/room/watch/target"
)

// gatusCondition is "<value> <comparator> <value>", as Gatus reads it: the first of these
// comparators that stands there.
type gatusCondition struct{ left, op, right string }

func cutCondition(text string) (c gatusCondition, ok bool) {
	for _, op := range []string{"==", "!=", "<=", ">=", ">", "<"} {
		left, right, found := strings.Cut(text, " "+op+" ")
		if !found {
			continue
		}
		c = gatusCondition{strings.TrimSpace(left), op, strings.TrimSpace(right)}
		// A placeholder may stand on either side of == and !=.
		if (op == "==" || op == "!=") && !placeholder(c.left) && placeholder(c.right) {
			c.left, c.right = c.right, c.left
		}
		return c, true
	}
	return c, false
}

func placeholder(text string) bool {
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "len([") || strings.HasPrefix(text, "has([") || strings.HasPrefix(text, "age([")
}

// statusBounds gathers [STATUS] >= and <= of one endpoint.
type statusBounds struct{ from, to int }

// gatusConditions makes expectations of the conditions, and says of each other one that
// it is not looked at.
func (r gatusReader) gatusConditions(all *node, t *target.Target) {
	bounds := statusBounds{100, 599}
	before := bounds
	connected := false
	for _, n := range all.items() {
		c, ok := cutCondition(n.str())
		if ok {
			ok = condition(c, t, &bounds)
		}
		if ok {
			connected = connected || strings.EqualFold(c.left, "[CONNECTED]")
			continue
		}
		r.say(n, "watch.imports.condition", "Service", t.Service, "Condition", what(c))
	}
	speaksHTTP := t.Kind == target.HTTP
	switch {
	case speaksHTTP && len(t.Expect.Status) == 0 && bounds != before && bounds.from <= bounds.to:
		t.Expect.Status = []string{fmt.Sprintf("%d-%d", bounds.from, bounds.to)}
	case speaksHTTP && len(t.Expect.Status) == 0 && connected && t.Expect.Text == "" && t.Expect.Pointer == "":
		t.Expect.Status = []string{"100-599"} // whoever answers is well, says this endpoint
	}
}

// what names a condition without its right side, which may be a secret.
func what(c gatusCondition) string {
	if !placeholder(c.left) {
		return "…"
	}
	return clean(c.left, 40) + " " + c.op + " …"
}

// condition takes one condition over; false: it has no equal here.
func condition(c gatusCondition, t *target.Target, b *statusBounds) bool {
	name := strings.ToUpper(c.left)
	switch {
	case name == "[STATUS]":
		return statusCondition(c, t, b)
	case name == "[CONNECTED]":
		return c.op == "==" && strings.EqualFold(c.right, "true")
	case name == "[DNS_RCODE]":
		return t.Kind == target.DNS && c.op == "==" && strings.EqualFold(c.right, "NOERROR")
	case name == "[CERTIFICATE_EXPIRATION]":
		return c.op == ">" || c.op == ">=" // an end that comes near is always told
	case name == "[RESPONSE_TIME]":
		return slowCondition(c, t)
	case name == "[BODY]":
		return bodyCondition(c, t)
	case strings.HasPrefix(name, "[BODY]"):
		return pointerCondition(c, t, c.left[len("[BODY]"):], c.right)
	case strings.HasPrefix(name, "HAS([BODY]") && strings.HasSuffix(name, ")"):
		return strings.EqualFold(c.right, "true") && pointerCondition(c, t, c.left[len("has([BODY]"):len(c.left)-1], "")
	}
	return false
}

var code = regexp.MustCompile(`^[1-5][0-9]{2}$`)

func statusCondition(c gatusCondition, t *target.Target, b *statusBounds) bool {
	if list, ok := function("any", c.right); ok && c.op == "==" {
		for s := range strings.SplitSeq(list, ",") {
			if s = strings.TrimSpace(s); code.MatchString(s) {
				t.Expect.Status = append(t.Expect.Status, s)
			}
		}
		return len(t.Expect.Status) > 0
	}
	if !code.MatchString(c.right) {
		return false
	}
	n, _ := strconv.Atoi(c.right)
	switch c.op {
	case "==":
		t.Expect.Status = append(t.Expect.Status, c.right)
	case "<":
		b.to = min(b.to, n-1)
	case "<=":
		b.to = min(b.to, n)
	case ">":
		b.from = max(b.from, n+1)
	case ">=":
		b.from = max(b.from, n)
	default:
		return false
	}
	return true
}

// slowCondition takes a bound of the time in milliseconds, or as Go writes a duration. A
// slow answer is shown as slow, not as a failure.
func slowCondition(c gatusCondition, t *target.Target) bool {
	ms, err := strconv.ParseInt(c.right, 10, 64)
	if d, wrong := time.ParseDuration(c.right); wrong == nil {
		ms, err = d.Milliseconds(), nil
	}
	if err != nil || ms <= 0 || ms > 9999 || c.op != "<" && c.op != "<=" {
		return false
	}
	t.Expect.Slow = ms
	return true
}

// maxText bounds what stands in a body, in bytes.
const maxText = 200

func bodyCondition(c gatusCondition, t *target.Target) bool {
	if t.Kind == target.DNS {
		if c.op != "==" || len(c.right) > maxText || len(t.Expect.Answers) >= 16 || strings.ContainsAny(c.right, "()*") {
			return false
		}
		t.Expect.Answers = append(t.Expect.Answers, c.right)
		return true
	}
	if t.Kind != target.HTTP {
		return false
	}
	text := c.right
	if pattern, ok := function("pat", text); ok {
		// *x* means that x stands in it, which is what we look for.
		text = strings.TrimSuffix(strings.TrimPrefix(pattern, "*"), "*")
		if len(text) != len(pattern)-2 || strings.ContainsAny(text, "*?[") {
			return false
		}
	}
	if text == "" || len(text) > maxText || random(text) {
		return false
	}
	switch {
	case c.op == "==" && t.Expect.Text == "":
		t.Expect.Text = text
	case c.op == "!=" && t.Expect.Absent == "" && text != c.right:
		t.Expect.Absent = text
	default:
		return false
	}
	return true
}

func pointerCondition(c gatusCondition, t *target.Target, path, value string) bool {
	pointer, ok := pointerOf(path)
	if !ok || c.op != "==" || t.Kind != target.HTTP || t.Expect.Pointer != "" || len(value) > maxText || random(value) || secretName.MatchString(path) {
		return false
	}
	if strings.HasPrefix(value, "pat(") || strings.HasPrefix(value, "any(") || placeholder(value) {
		return false
	}
	t.Expect.Pointer, t.Expect.Value = pointer, value
	return true
}

// function is what stands between name( and ).
func function(name, text string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(text, name+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, ")")
}

var step = regexp.MustCompile(`^([^.\[\]*$()'"\s]+)((\[[0-9]+\])*)$`)

// pointerOf makes a JSON pointer (RFC 6901) of a simple path, a.b[0].c; false for one that
// needs more: wildcards, filters, functions.
func pointerOf(path string) (pointer string, ok bool) {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")
	if path == "" || len(path) > maxText {
		return "", false
	}
	for strings.HasPrefix(path, "[") {
		index, rest, found := strings.Cut(path[1:], "]")
		if _, err := strconv.ParseUint(index, 10, 16); !found || err != nil {
			return "", false
		}
		pointer, path = pointer+"/"+index, strings.TrimPrefix(rest, ".")
	}
	if path == "" {
		return pointer, true
	}
	for part := range strings.SplitSeq(path, ".") {
		m := step.FindStringSubmatch(part)
		if m == nil {
			return "", false
		}
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(m[1])
		pointer += strings.NewReplacer("[", "/", "]", "").Replace(m[2])
	}
	return pointer, true
}
