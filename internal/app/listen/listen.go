// Package listen opens and closes the node's listeners, and keeps pages of other names away
// from what only this machine may reach.
package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"entrechat/internal/core"
)

// On listens on an address that a setting of entrechat.toml names. Returns CodeConflict.
func On(ctx context.Context, setting, address string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	key := "app.not_listening"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		key = "app.port_taken"
	case errors.Is(err, syscall.EACCES):
		key = "app.port_reserved"
	}
	return nil, core.Conflict(key, fmt.Errorf("listen on %s: %w", address, err)).
		With("Addr", address).With("Key", setting).With("Detail", err.Error())
}

// WithTLS wraps a listener in a certificate, where there is one. Returns CodeInvalid for files
// that are none.
func WithTLS(l net.Listener, cert, key string) (net.Listener, error) {
	if cert == "" {
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, core.Invalid("app.bad_certificate", err).With("Detail", err.Error())
	}
	// Browsers of users come here too, so 1.2 is served; members ask for 1.3.
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// Stop ends servers; running requests get so long.
func Stop(servers []*http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var problems error
	for _, s := range servers {
		problems = errors.Join(problems, s.Shutdown(ctx))
	}
	return problems
}

// OnlyOurs refuses requests that were made for another name than that of the address listened
// on: a page in a browser on this machine can have its own domain resolve to loopback (DNS
// rebinding), but not to an address without a name. refusal is what it is told.
func OnlyOurs(next http.Handler, address, refusal string) http.Handler {
	listen, _, _ := net.SplitHostPort(address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" && host != listen {
			http.Error(w, refusal, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
