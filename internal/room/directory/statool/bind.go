package statool

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// pair is one field of a view as a file holds it; lists are joined by ";".
type pair struct{ path, text string }

// flatten lists what a view says, in the order of its fields, open sets by name.
func flatten(view any) []pair {
	var pairs []pair
	collect(reflect.ValueOf(view), "", func(p pair) { pairs = append(pairs, p) })
	return pairs
}

func collect(v reflect.Value, path string, say func(pair)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			collect(v.Field(i), join(path, v.Type().Field(i).Tag.Get("statool")), say)
		}
	case reflect.Map:
		for _, name := range slices.Sorted(maps.Keys(names(v))) {
			collect(v.MapIndex(reflect.ValueOf(name)), join(path, name), say)
		}
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = v.Index(i).String()
		}
		if len(items) > 0 {
			say(pair{path, strings.Join(items, ";")})
		}
	default:
		if v.String() != "" {
			say(pair{path, v.String()})
		}
	}
}

func names(m reflect.Value) map[string]bool {
	found := map[string]bool{}
	for _, k := range m.MapKeys() {
		found[k.String()] = true
	}
	return found
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fill is flatten's inverse.
func fill(view any, meaning map[string]string) {
	assign(reflect.ValueOf(view).Elem(), "", meaning)
}

func assign(v reflect.Value, path string, meaning map[string]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			assign(v.Field(i), join(path, v.Type().Field(i).Tag.Get("statool")), meaning)
		}
	case reflect.Map:
		assignMap(v, path, meaning)
	case reflect.Slice:
		if text := meaning[path]; text != "" {
			v.Set(reflect.ValueOf(strings.Split(text, ";")))
		}
	default:
		v.SetString(meaning[path])
	}
}

// assignMap makes one element for each name behind the path.
func assignMap(v reflect.Value, path string, meaning map[string]string) {
	for key := range meaning {
		rest, ok := strings.CutPrefix(key, path+".")
		name, _, _ := strings.Cut(rest, ".")
		if !ok || name == "" || v.MapIndex(reflect.ValueOf(name)).IsValid() {
			continue
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		element := reflect.New(v.Type().Elem()).Elem()
		assign(element, join(path, name), meaning)
		v.SetMapIndex(reflect.ValueOf(name), element)
	}
}

// strict refuses a value that a reader would have to forgive.
func strict(fields []Field, p pair) error {
	f, ok := fieldOf(fields, p.path)
	if !ok {
		return core.Invalid("directory.statool.bad_key", fmt.Errorf("%.80q is no field", p.path)).With("Field", shown(p.path))
	}
	if r := f.read(p.text); (r.remark != "" && r.remark != "directory.statool.url_http") || r.text != p.text {
		return core.Invalid("directory.statool.bad_value", fmt.Errorf("%s: %.80q: %s", p.path, p.text, r.remark)).
			With("Field", p.path).With("Value", shown(p.text))
	}
	return nil
}

// Fits says whether a value can be written into a field of the type as it is.
// Choices depend on the field: they never fit.
func Fits(t Type, value string) bool {
	r := Field{Type: t}.read(value)
	return r.remark == "" && r.text == value && value != ""
}

// Encode writes a new file. Returns CodeInvalid, naming the first field that is
// missing or wrong, when the file would not pass Validate.
func Encode[V View](v V) ([]byte, error) {
	d := &Document{}
	if err := Put(d, v); err != nil {
		return nil, err
	}
	report := Validate(d)
	for _, f := range report.Findings {
		if f.Severity == Error {
			return nil, &core.Error{Code: core.CodeInvalid, Key: f.Key, Args: f.Args, Err: fmt.Errorf("%s: %s", f.Field, f.Key)}
		}
	}
	return d.Bytes(), nil
}
