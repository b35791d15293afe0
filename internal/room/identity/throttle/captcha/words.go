package captcha

import "embed"

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Files hold captcha.js, the script of a page with a captcha. The page has a form with
// data-captcha="CHALLENGE" and in it: an empty field named captcha_solution, a field named
// captcha with the challenge, a <progress max="1">, and for who lets no script run a
// <noscript> that says what to do. The form waits for the solution when it is sent before.
//
//go:embed captcha.js
var Files embed.FS
