// Package succession lets other members take over what a hoster that closes, or vanishes, ran
// for its users, with data and accounts.
//
// Words. A successor is a member that the owner named, while all was well, to take a service
// over. A pack is what a successor needs for it; a pointer is the secret that opens one backup. A
// closing is the announced end of a service; who takes it over is its adopter, by a handover that
// both sign. A rescue is the data of a lost service, readable at a successor. A recipe moves the
// data of one program.
//
// What never happens:
//   - a member takes over what its owner did not name it for, while the owner lived;
//   - silence alone opens, moves or declares anything: people do;
//   - a rescue writes into the data, federates, or mails anything but nonces;
//   - a program's own word that it succeeded is taken for a count;
//   - something of a person stands in a logbook.
//
// The room only wires. Its folders: promise (who was named), recipe (how data moves, a folder
// per program), move (what runs recipes), readonly (in front of a program on restored data), silence
// (who is not heard any more), domain (what a name needs before a cut).
//
// Source: docs/spec/succession.md
package succession
