package mail

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"entrechat/internal/room/succession/recipe"
)

// overLMTP is send by LMTP.
func overLMTP(at, to, text string) error {
	conn, err := net.Dial("tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, say := range []string{"", "LHLO else.test", "MAIL FROM:<sender@else.test>", "RCPT TO:<" + to + ">", "DATA", text + "\r\n."} {
		if say != "" {
			fmt.Fprintf(conn, "%s\r\n", say)
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return err
			}
			if line[0] > '3' {
				return fmt.Errorf("%.20s: %s", say, line)
			}
			if line[3] == ' ' {
				break
			}
		}
	}
	return nil
}

func TestWithDomain(t *testing.T) {
	w := newWorld(t, oddPeople...)
	for i, p := range w.people {
		w.fill(p, oddFolders[i%3:], 30)
	}
	m := w.move(w.settings(""))
	w.until(t.Context(), m, recipe.Copy)
	w.must(send(w.old.SMTP, "probe@"+domain, letter(1000, 10), false))
	w.until(t.Context(), m, recipe.Deliver)
	units, err := m.Units(t.Context())
	w.must(err)
	for _, u := range units {
		rows, err := m.Count(t.Context(), u)
		w.must(err)
		var text strings.Builder
		for _, c := range rows {
			fmt.Fprintf(&text, " %s%s %d/%d", c.What, c.Of, c.From, c.To)
			if !c.Equal() {
				t.Errorf("%s: %+v", u, c)
			}
		}
		t.Log(u, text.String())
	}
	w.phases(t.Context(), m, recipe.Cut, recipe.After)
}
