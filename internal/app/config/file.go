package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// part is one section of entrechat.toml.
type part struct {
	name string
	into any // pointer to the section's struct
	// words begin the keys of its comments: app.config.node., vault.config.
	words string
}

// parts are the sections in the order they are written.
func (c *Config) parts() []part {
	all := append(make([]part, 0, 5+len(c.sections)),
		part{"node", &c.Node, "app.config.node."},
		part{"tools", &c.Tools, "app.config.tools."},
		part{"database", &c.Database, "app.config.database."},
		part{"log", &c.Log, "app.config.log."},
		part{"peer", &c.Peer, "app.config.peer."},
	)
	for _, room := range c.sections {
		all = append(all, part{room.Name, c.Rooms[room.Name], room.Words})
	}
	return all
}

// file answers a value with one field for each section, as go-toml reads and writes it. With
// a printer each section and key carries what it is for, and the value is a copy; without
// one its fields are the sections themselves.
func (c *Config) file(p *words.Printer) reflect.Value {
	parts := c.parts()
	fields := make([]reflect.StructField, 0, len(parts))
	values := make([]reflect.Value, 0, len(parts))
	for i, s := range parts {
		value := reflect.ValueOf(s.into)
		tag := fmt.Sprintf("toml:%q", s.name)
		if p != nil {
			value = documented(value.Elem(), s.words, p)
			tag += fmt.Sprintf(" comment:%q", p.T(s.words+"section", nil))
		}
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Section%d", i), Type: value.Type(), Tag: reflect.StructTag(tag)})
		values = append(values, value)
	}
	file := reflect.New(reflect.StructOf(fields))
	for i, value := range values {
		file.Elem().Field(i).Set(value)
	}
	return file
}

// documented is a copy of a section whose keys carry comments; those of structs that the
// section embeds are among its own.
func documented(section reflect.Value, words string, p *words.Printer) reflect.Value {
	var fields []reflect.StructField
	var values []reflect.Value
	for _, f := range reflect.VisibleFields(section.Type()) {
		if f.Anonymous {
			continue
		}
		key := f.Tag.Get("toml")
		values = append(values, section.FieldByIndex(f.Index))
		f.Tag = reflect.StructTag(fmt.Sprintf("toml:%q comment:%q", key, p.T(words+key, nil)))
		f.Index, f.Offset = nil, 0
		fields = append(fields, f)
	}
	out := reflect.New(reflect.StructOf(fields)).Elem()
	for i, v := range values {
		out.Field(i).Set(v)
	}
	return out
}

// Render is the documented file for a configuration: every key, its value, and above it
// what it is for, in the language of p.
func (c Config) Render(p *words.Printer) ([]byte, error) {
	var out bytes.Buffer
	enc := toml.NewEncoder(&out).SetIndentTables(false)
	if err := enc.Encode(c.file(p).Interface()); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return out.Bytes(), nil
}

// decode reads a file's text into the sections.
func (c *Config) decode(text []byte) error {
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	err := dec.Decode(c.file(nil).Interface())
	if unknown, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		err = withoutMoved(unknown)
	}
	if err != nil {
		return err
	}
	return c.readMoved(text)
}

// moved are keys of [vault] of before the rooms shared what is said of the whole node.
// They are still read, unless the key of [node] is set.
type moved struct {
	Vault struct {
		Site  string    `toml:"site"`
		Admin string    `toml:"admin"`
		Floor core.Size `toml:"free_floor"`
	} `toml:"vault"`
	Node struct {
		Floor *core.Size `toml:"free_floor"`
	} `toml:"node"`
}

func (c *Config) readMoved(text []byte) error {
	var old moved
	if err := toml.Unmarshal(text, &old); err != nil {
		return err
	}
	c.Node.Site = cmp.Or(c.Node.Site, old.Vault.Site)
	c.Node.Admin = cmp.Or(c.Node.Admin, old.Vault.Admin)
	if old.Vault.Floor != 0 && old.Node.Floor == nil {
		c.Node.Floor = old.Vault.Floor
	}
	return nil
}

// withoutMoved is what is unknown beside the keys that moved; nil when nothing is.
func withoutMoved(unknown *toml.StrictMissingError) error {
	var rest []toml.DecodeError
	for _, e := range unknown.Errors {
		key := e.Key()
		if len(key) == 2 && key[0] == "vault" && (key[1] == "site" || key[1] == "admin" || key[1] == "free_floor") {
			continue
		}
		rest = append(rest, e)
	}
	if len(rest) == 0 {
		return nil
	}
	return &toml.StrictMissingError{Errors: rest}
}
