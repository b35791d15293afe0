package app

import (
	"html/template"
	"net/http"

	"entrechat/internal/kit/seal"
)

// homePage is all a visitor sees until the directory room brings real pages: who
// this is, and that nothing else is public.
func homePage() *template.Template {
	return template.Must(template.New("home").Parse(`<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Origin}}</title>
<style>body{font:1.1em/1.5 system-ui,sans-serif;max-width:38em;margin:3em auto;padding:0 1em;color:#222;background:#fdfcf8}
code{background:#f0ede4;padding:.1em .3em;border-radius:.2em}@media(prefers-color-scheme:dark){body{color:#eee;background:#1c1b19}code{background:#333}}</style></head>
<body><h1>{{.Origin}}</h1>
<p lang="fr">Ce nœud entrechat garde les sauvegardes chiffrées d'hébergeurs voisins, et eux les siennes. Empreinte : <code>{{.Fingerprint}}</code></p>
<p lang="en">This entrechat node keeps encrypted backups of neighbouring hosters, and they keep its own. Fingerprint: <code>{{.Fingerprint}}</code></p>
<p><a href="/.well-known/entrechat.json">entrechat.json</a> · <a href="/log/checkpoint">log</a></p></body></html>
`))
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	m, err := a.Book.Member(r.Context(), a.Signer.ID())
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if err := homePage().Execute(w, map[string]string{"Origin": string(m.ID), "Fingerprint": seal.Fingerprint(m.Root)}); err != nil {
		a.Log.Debug("home page not sent", "error", err)
	}
}
