// Package person has the cards of a hoster's own admins, as custody needs them: what is
// encrypted to a person, what a person signs with, and what the person does for each
// service. How a person is reached lies sealed.
//
// A card is nobody's account: an admin without an account here has one all the same. What
// leaves this node of a person is the card's random id, never a name.
//
// It imports no other folder of the room. Sources: OpenSSH PROTOCOL.sshsig, the age format
// v1 (C2SP), docs/spec/custody.md.
package person
