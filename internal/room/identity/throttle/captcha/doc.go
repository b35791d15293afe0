// Package captcha asks a browser to work for a second before the node works for it: no
// picture, no third party, nothing to look at. It keeps a crowd of programs from making
// accounts; it does not tell people from programs.
//
// Words: a challenge is what is asked, signed, so that nothing of it is stored. A solution is
// sixteen numbers, each of which makes a SHA-256 that begins with enough zero bits. The
// script is captcha.js, the only program a page with a captcha runs.
//
// What never happens: a solution that counts twice, or for another purpose, or after its
// time. A challenge that was made up.
//
// Source: docs/spec/identity.md; Dwork and Naor, "Pricing via Processing or Combatting Junk
// Mail", 1992.
package captcha
