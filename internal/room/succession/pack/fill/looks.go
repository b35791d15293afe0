package fill

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/room/succession/pack"
)

// lookPatience bounds one look.
const lookPatience = 20 * time.Second

func count(n int) string { return strconv.Itoa(n) }

// lookChecks asks every address that has to answer. All have to.
func (s collector) lookChecks(ctx context.Context, d *draft, network bool) error {
	all, answered, open := []string{}, 0, false
	begun := s.n.Now()
	for _, c := range d.Checks {
		if c.Address == "" || strings.Contains(c.Address, unfilled) {
			open = open || c.Address != ""
			continue
		}
		all = append(all, c.Address)
		if network && s.answers(ctx, c.Address) {
			answered++
		}
	}
	if len(all) == 0 && !open {
		d.lacks(pack.Checks, settingsName, `[[check]] address = "https://..."`)
	} else if len(all) > 0 && answered == len(all) {
		d.found[pack.Checks] = finding{d.at, max(1, int64(s.n.Now().Sub(begun).Seconds())), pack.ByAnswer, count(answered) + "/" + count(len(all))}
	}
	return d.facts(pack.Checks, map[string]any{"addresses": all})
}

// answers says whether something answers at an address: a page by http, a port by tcp.
func (s collector) answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if port, is := strings.CutPrefix(address, "tcp://"); is {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", port) // the hoster looks at its own service
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	_, _, err := s.n.Fetch(ctx, address, 8<<20)
	return err == nil
}
