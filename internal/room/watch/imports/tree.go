package imports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// The bounds of a parsed file. An alias of YAML counts as what it stands for, so that a
// few lines of aliases cannot become millions of nodes.
const (
	maxDepth = 32
	maxNodes = 200_000
	maxDocs  = 16
)

// lineError is a file that cannot be read, and where.
type lineError struct {
	line int
	why  string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.why) }

type shape int

const (
	scalar shape = iota
	mapping
	list
)

// node is a value of a YAML or JSON file with the line it stands on. A nil node is one
// that is not there; every method takes it.
type node struct {
	line   int
	shape  shape
	text   string // of a scalar; null is empty
	keys   []*node
	values []*node
}

func (n *node) at() int {
	if n == nil {
		return 0
	}
	return n.line
}

func (n *node) isMap() bool  { return n != nil && n.shape == mapping }
func (n *node) isList() bool { return n != nil && n.shape == list }

// get is the value of the first of these names that is there and not null.
func (n *node) get(names ...string) *node {
	if !n.isMap() {
		return nil
	}
	for _, name := range names {
		for i, k := range n.keys {
			if k.text == name && k.shape == scalar && !n.values[i].empty() {
				return n.values[i]
			}
		}
	}
	return nil
}

func (n *node) empty() bool { return n == nil || n.shape == scalar && n.text == "" }

// raw is a scalar's text as it stands there.
func (n *node) raw() string {
	if n == nil || n.shape != scalar {
		return ""
	}
	return n.text
}

// str is a scalar's text without space around it; of one that is not there, or no scalar, it is empty.
func (n *node) str() string {
	return strings.TrimSpace(n.raw())
}

// yes says that a value is there and true.
func (n *node) yes() bool {
	switch strings.ToLower(n.str()) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// no says that a value is there and false.
func (n *node) no() bool {
	switch strings.ToLower(n.str()) {
	case "false", "no", "off", "0":
		return true
	}
	return false
}

// number is a whole number, 0 for anything else.
func (n *node) number() int64 {
	v, err := strconv.ParseInt(strings.TrimSuffix(n.str(), ".0"), 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// items are the values of a list or of a map.
func (n *node) items() []*node {
	if n == nil {
		return nil
	}
	return n.values
}

// parse reads JSON, or YAML with one document or several.
func parse(text []byte) ([]*node, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if start := bytes.TrimLeft(text, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		n, err := parseJSON(text)
		if err == nil {
			return []*node{n}, nil
		}
		// A flow of YAML may begin like this as well.
		if docs, yamlErr := parseYAML(text); yamlErr == nil {
			return docs, nil
		}
		return nil, err
	}
	return parseYAML(text)
}

// yamlLine finds the line in a complaint of the library, whose text may quote the file
// and is not shown.
var yamlLine = regexp.MustCompile(`line (\d+)`)

func parseYAML(text []byte) (docs []*node, err error) {
	defer func() { // the library's own parser panics on some inputs
		if p := recover(); p != nil {
			docs, err = nil, &lineError{0, "the YAML cannot be read"}
		}
	}()
	left := maxNodes
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			line := 0
			if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
				line, _ = strconv.Atoi(m[1])
			}
			return nil, &lineError{line, "the YAML cannot be read"}
		}
		if len(docs) == maxDocs {
			return nil, &lineError{doc.Line, "too many documents"}
		}
		for _, c := range doc.Content {
			n, err := fromYAML(c, 0, &left)
			if err != nil {
				return nil, err
			}
			docs = append(docs, n)
		}
	}
}

// fromYAML copies a node of the library. left counts down over all nodes, those that
// aliases repeat among them.
func fromYAML(y *yaml.Node, depth int, left *int) (*node, error) {
	if *left--; *left < 0 || depth > maxDepth {
		return nil, &lineError{y.Line, "too much, or too deep"}
	}
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.AliasNode:
		if y.Alias == nil {
			return n, nil
		}
		return fromYAML(y.Alias, depth+1, left)
	case yaml.MappingNode:
		n.shape = mapping
		return n, fillMap(n, y, depth, left)
	case yaml.SequenceNode:
		n.shape = list
		for _, c := range y.Content {
			v, err := fromYAML(c, depth+1, left)
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, v)
		}
	default:
		if y.Tag != "!!null" {
			n.text = y.Value
		}
	}
	return n, nil
}

// fillMap copies the pairs of a map; what << merges in comes last, so that it is found
// only where the map itself says nothing.
func fillMap(n *node, y *yaml.Node, depth int, left *int) error {
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, err := fromYAML(y.Content[i], depth+1, left)
		if err != nil {
			return err
		}
		v, err := fromYAML(y.Content[i+1], depth+1, left)
		if err != nil {
			return err
		}
		if y.Content[i].Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		n.keys, n.values = append(n.keys, k), append(n.values, v)
	}
	for _, m := range merged {
		for _, from := range append([]*node{m}, m.lists()...) {
			if *left -= len(from.keys); *left < 0 {
				return &lineError{y.Line, "too much, or too deep"}
			}
			if from.isMap() {
				n.keys, n.values = append(n.keys, from.keys...), append(n.values, from.values...)
			}
		}
	}
	return nil
}

// lists are the items of a list, none of anything else.
func (n *node) lists() []*node {
	if !n.isList() {
		return nil
	}
	return n.values
}

// jsonReader reads JSON leniently, keeping lines.
type jsonReader struct {
	dec  *jsontext.Decoder
	text []byte
	done int // the offset up to which lines are counted
	line int
	left int
}

func parseJSON(text []byte) (*node, error) {
	r := &jsonReader{
		dec: jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), text: text, line: 1, left: maxNodes,
	}
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, r.wrong("something stands behind the end")
	}
	return n, nil
}

func (r *jsonReader) wrong(why string) error {
	r.count()
	return &lineError{r.line, why}
}

// count brings the line up to what was read.
func (r *jsonReader) count() {
	to := min(int(r.dec.InputOffset()), len(r.text))
	r.line += bytes.Count(r.text[r.done:to], []byte("\n"))
	r.done = to
}

func (r *jsonReader) value(depth int) (*node, error) {
	t, err := r.dec.ReadToken()
	if err != nil {
		return nil, r.wrong("the JSON cannot be read")
	}
	if r.left--; r.left < 0 || depth > maxDepth {
		return nil, r.wrong("too much, or too deep")
	}
	r.count()
	n := &node{line: r.line}
	switch t.Kind() {
	case '{':
		n.shape = mapping
	case '[':
		n.shape = list
	case 'n':
		return n, nil
	default:
		n.text = t.String()
		return n, nil
	}
	for r.dec.PeekKind() != '}' && r.dec.PeekKind() != ']' {
		if n.shape == mapping {
			k, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.keys = append(n.keys, k)
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.values = append(n.values, v)
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, r.wrong("the JSON cannot be read")
	}
	return n, nil
}
