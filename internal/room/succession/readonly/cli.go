package readonly

import (
	"context"
	"embed"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Command is `succession readonly`. It needs no node.
func Command(p *words.Printer) *cobra.Command {
	var upstream, listen string
	var logins []string
	open := func(cmd *cobra.Command) (*Proxy, *console.Out, error) {
		json, err := cmd.Flags().GetBool("json")
		if err != nil {
			return nil, nil, err
		}
		u, err := url.Parse(upstream)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, nil, core.Invalid("succession.readonly.upstream", errors.New("no address"))
		}
		signIns := make([]SignIn, len(logins))
		for i, text := range logins {
			if signIns[i], err = ParseSignIn(text); err != nil {
				return nil, nil, err
			}
		}
		out := &console.Out{W: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), In: cmd.InOrStdin(), P: p, JSON: json}
		return New(u, signIns, refuse(p)), out, nil
	}
	c := console.Command(open, "readonly", p.T("succession.readonly.cmd", nil), func(cmd *cobra.Command, proxy *Proxy, out *console.Out, _ []string) error {
		l, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", listen)
		if err != nil {
			return core.Unsure("succession.readonly.listen", err).With("Address", listen)
		}
		address := l.Addr().String()
		if err := out.Emit(map[string]string{"listen": address}, func() {
			out.Say("succession.readonly.listens", map[string]any{"Address": address, "Upstream": upstream})
		}); err != nil {
			return err
		}
		return serve(cmd.Context(), l, proxy)
	})
	c.Flags().StringVar(&upstream, "upstream", "", p.T("succession.readonly.flag_upstream", nil))
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", p.T("succession.readonly.flag_listen", nil))
	c.Flags().StringArrayVar(&logins, "login", nil, p.T("succession.readonly.flag_login", nil))
	return c
}

// refuse says in both languages that nothing is written here.
func refuse(p *words.Printer) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", strings.Join(reading(), ", "))
		http.Error(w, p.T("succession.readonly.refused", nil), http.StatusMethodNotAllowed)
	}
}

// serve answers until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 15 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx) // what is still answered then is cut off
	})
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
