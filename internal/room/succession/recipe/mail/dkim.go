package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

var quotedText = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// selector compares what the DNS says of the new DKIM selector with the record that the new server made:
// CodeConflict "succession.recipe.mail.dkim".
func (m proof) selector(ctx context.Context, _ recipe.Work) error {
	d := m.DKIM
	text, err := read(ctx, m.toSide, d.Record)
	if err != nil {
		return err
	}
	var made strings.Builder
	for _, part := range quotedText.FindAllStringSubmatch(text, -1) {
		made.WriteString(part[1])
	}
	resolver := net.DefaultResolver
	if d.Resolver != "" {
		resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, d.Resolver)
		}}
	}
	name := d.Selector + "._domainkey." + d.Domain
	wrong := func(err error) error {
		return core.Conflict("succession.recipe.mail.dkim", err).With("Name", name).With("Record", made.String())
	}
	found, err := resolver.LookupTXT(ctx, name+".")
	if err != nil {
		return wrong(err)
	}
	want := key(made.String())
	for _, record := range found {
		if k := key(record); k != "" && k == want {
			return nil
		}
	}
	return wrong(fmt.Errorf("%d records, none with the key: %w", len(found), errors.New("another key")))
}

// key is the public key of a DKIM record, RFC 6376 section 3.6.1.
func key(record string) string {
	for part := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(part, "=")
		if strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}
