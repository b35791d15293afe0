package own

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// Publish takes a file of ours, new or changed: only its address and moment are set,
// the rest keeps its bytes. Returns CodeInvalid when it is not about a hoster or a
// service, or is not valid; nothing is changed then.
func (o *Files) Publish(ctx context.Context, name string, text []byte) (File, error) {
	doc, err := statool.Parse(text)
	if err != nil {
		return File{}, err
	}
	switch doc.Class() {
	case statool.ClassOrganization:
		name = HosterName
	case statool.ClassService:
		if name == HosterName || !IsName(name) {
			return File{}, core.Invalid("directory.bad_name", fmt.Errorf("%.60q", name)).With("Name", fmt.Sprintf("%.60q", name))
		}
	case statool.ClassFederation, statool.ClassMetrics, statool.ClassDevice, statool.ClassNone:
		return File{}, core.Invalid("directory.wrong_class", fmt.Errorf("class %q", doc.Class()))
	}
	if err := o.put(name, doc); err != nil {
		return File{}, err
	}
	return o.published(ctx, name)
}

// Change sets fields of a file; an empty value takes the field away. Returns
// CodeNotFound, CodeInvalid.
func (o *Files) Change(ctx context.Context, name string, fields map[string]string) (File, error) {
	text, err := o.Text(name)
	if err != nil {
		return File{}, err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return File{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if fields[key] == "" {
			doc.Delete(key)
			continue
		}
		if err := doc.Set(key, fields[key]); err != nil {
			return File{}, err
		}
	}
	if err := o.put(name, doc); err != nil {
		return File{}, err
	}
	return o.published(ctx, name)
}

// Withdraw takes a file away. Returns CodeNotFound.
func (o *Files) Withdraw(ctx context.Context, name string) error {
	if _, err := o.Text(name); err != nil {
		return err
	}
	root, err := os.OpenRoot(o.n.Dir)
	if err == nil {
		err = errors.Join(root.Remove(name+Suffix), root.Close())
	}
	if err != nil {
		return fmt.Errorf("withdraw %s: %w", name, err)
	}
	if err := o.link(ctx); err != nil {
		return err
	}
	o.changed(ctx)
	return nil
}

// published is a file after it was written, and the hoster's file brought in line.
func (o *Files) published(ctx context.Context, name string) (File, error) {
	if err := o.link(ctx); err != nil {
		return File{}, err
	}
	o.changed(ctx)
	all, err := o.List(ctx)
	if err != nil {
		return File{}, err
	}
	for _, f := range all {
		if f.Name == name {
			return f, nil
		}
	}
	return File{}, core.NotFound("directory.no_own_file", fmt.Errorf("%s went away", name)).With("Name", name)
}

// link has the hoster's file lead to each service's, and to no file of ours that is
// not there. Entries that lead elsewhere are somebody's own and stay.
func (o *Files) link(ctx context.Context) error {
	text, err := o.Text(HosterName)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return err
	}
	own, err := o.List(ctx)
	if err != nil {
		return err
	}
	for _, key := range doc.Keys() {
		if target, _ := doc.Get(key); strings.HasPrefix(key, "subs.") && strings.HasPrefix(target, o.n.URL+WellKnown) {
			doc.Delete(key)
		}
	}
	for _, f := range own {
		if f.Name == HosterName {
			continue
		}
		if err := doc.Set("subs."+f.Name, f.URL); err != nil {
			return err
		}
	}
	if string(doc.Bytes()) == string(text) {
		return nil
	}
	return o.put(HosterName, doc)
}

// put writes a valid document, with its address and this moment in it.
func (o *Files) put(name string, doc *statool.Document) error {
	if err := doc.Set("file.url", o.Address(name)); err != nil {
		return err
	}
	if err := doc.Set("file.datetime", o.n.Now().UTC().Format("2006-01-02T15:04:05")); err != nil {
		return err
	}
	if report := statool.Validate(doc); !report.OK() {
		return Invalid(name, report)
	}
	if err := checkOwnKeys(doc); err != nil {
		return err
	}
	if err := os.MkdirAll(o.n.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of own files: %w", err)
	}
	return Replace(o.n.Dir, name+Suffix, doc.Bytes())
}

// Invalid carries the first error of a report.
func Invalid(name string, report statool.Report) error {
	for _, f := range report.Findings {
		if f.Severity == statool.Error {
			return &core.Error{Code: core.CodeInvalid, Key: f.Key, Args: f.Args, Err: fmt.Errorf("%s: %s %s", name, f.Field, f.Key)}
		}
	}
	return core.Invalid("directory.not_valid", errors.New(name)).With("Count", 1)
}

// Replace writes a file of the folder whole or not at all; it is on the disk when Replace
// returns.
func Replace(dir, name string, text []byte) error {
	if err := disk.Replace(filepath.Join(dir, name), text); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// changed tells who wants to know.
func (o *Files) changed(ctx context.Context) {
	if o.n.Changed != nil {
		o.n.Changed(ctx)
	}
}

// Values are the words that a key of our own section may have; nil = any text.
func Values(key string) []string {
	switch key {
	case "entrechat.kind":
		kinds := make([]string, 0, len(catalogue.Kinds()))
		for _, k := range catalogue.Kinds() {
			kinds = append(kinds, string(k))
		}
		return kinds
	case "entrechat.without":
		return []string{"all", "some", "none"}
	case "entrechat.register":
		return []string{"anyone", "on_request", "invited", "members", "customers", "nobody"}
	}
	return nil
}

// CheckValue returns CodeInvalid for a value that is none of those a key may have.
func CheckValue(key, value string, values []string) error {
	if value != "" && values != nil && !slices.Contains(values, value) {
		return core.Invalid("directory.form.choice", fmt.Errorf("%s is %.40q", key, value)).With("Field", key).With("Values", strings.Join(values, ", "))
	}
	return nil
}

// checkOwnKeys holds our own section to the words that we know: whoever writes it
// here gets no word wrong. The collective's sections are statool's to check.
func checkOwnKeys(doc *statool.Document) error {
	for _, key := range []string{"entrechat.kind", "entrechat.without", "entrechat.register"} {
		value, _ := doc.Get(key)
		if err := CheckValue(key, value, Values(key)); err != nil {
			return err
		}
	}
	return nil
}
