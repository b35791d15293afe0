package draft

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"entrechat/internal/core"
)

// Package is one installed package of the host.
type Package struct {
	Name, Version, Architecture string
}

const (
	maxPackages    = 20_000
	maxPackageLine = 1 << 20
)

// Packages reads a dpkg status file (/var/lib/dpkg/status) and lists what is
// installed, in its order. Returns CodeInvalid when it is no such file.
func Packages(status io.Reader) ([]Package, error) {
	lines := bufio.NewScanner(status)
	lines.Buffer(make([]byte, 0, 64<<10), maxPackageLine)
	var all []Package
	var one Package
	installed := false
	flush := func() {
		if one.Name != "" && installed && len(all) < maxPackages {
			all = append(all, one)
		}
		one, installed = Package{}, false
	}
	for lines.Scan() {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			flush()
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue // a long field goes on
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = clean(value, shortText); name {
		case "Package":
			one.Name = value
		case "Version":
			one.Version = value
		case "Architecture":
			one.Architecture = value
		case "Status":
			installed = strings.HasSuffix(value, " installed")
		}
	}
	flush()
	if err := lines.Err(); err != nil {
		return nil, core.Invalid("directory.draft.no_packages", fmt.Errorf("read packages: %w", err))
	}
	if len(all) == 0 {
		return nil, core.Invalid("directory.draft.no_packages", fmt.Errorf("no installed package in the list"))
	}
	return all, nil
}

// WithPackages adds to a draft what the host's own package list says. The list
// itself is the hoster's to publish; the draft only counts it.
func (d *Draft) WithPackages(list []Package, file string, at core.Moment) {
	d.Hoster = append(d.Hoster, Fact{Field: FieldPackages, Value: strconv.Itoa(len(list)), Source: file, At: at})
}
