package web

import (
	"net/http"
	"net/url"
	"time"

	"entrechat/internal/kit/words"
)

const langCookie = "lang"

// lang is the language of a request: what its address says, then what was chosen
// before, then what the browser asks for, then the node's.
func (s *Site) lang(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); known(lang) {
		return lang
	}
	if c, err := r.Cookie(langCookie); err == nil && known(c.Value) {
		return c.Value
	}
	if accept := r.Header.Get("Accept-Language"); accept != "" {
		return words.FromAccept(accept)
	}
	return s.Lang
}

func known(lang string) bool { return lang == words.French || lang == words.English }

// Printer says sentences in the language of the visitor.
func (s *Site) Printer(r *http.Request) *words.Printer { return s.printers[s.lang(r)] }

// rememberLang remembers a choice made with ?lang=. It is no personal datum and needs
// no consent: it says what the person asked to be kept.
func (s *Site) rememberLang(w http.ResponseWriter, r *http.Request) {
	if lang := r.URL.Query().Get("lang"); known(lang) {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where there is https
			Name: langCookie, Value: lang, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
			HttpOnly: true, Secure: https(s.URL), SameSite: http.SameSiteLaxMode,
		})
	}
}

// inLang is the address of the same page in a language.
func inLang(u *url.URL, lang string) string {
	q := u.Query()
	q.Set("lang", lang)
	return u.EscapedPath() + "?" + q.Encode()
}
