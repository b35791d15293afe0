// Package credential keeps what proves that somebody is a person: passkeys, a password, a
// one-time code, recovery codes.
//
// Words: a passkey is a key pair whose private half never leaves the person's device. A
// one-time code (TOTP) is six digits that a device counts out of a shared secret and the
// clock. A recovery code stands in for the one-time code once. A foreign hash is a
// password's hash that another program made; it is made anew at the next sign-in. A
// ceremony is one question to a passkey and its answer.
//
// What never happens: a password or a code in clear on a disk or in a log. A one-time code,
// a recovery code or an answer of a passkey that counts twice. The last way in removed. An
// answer, or its time, by which a stranger learns whether somebody has an account. More
// than 2 x cores passwords being hashed at once.
//
// Who calls CheckPassword, CheckTOTP or UseRecovery charges throttle before.
//
// Source: docs/spec/identity.md; RFC 9106, RFC 6238, W3C Web Authentication level 3.
package credential
