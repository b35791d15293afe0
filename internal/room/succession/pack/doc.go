// Package pack keeps what a successor needs for a service in 12 items, proves them again, and
// sends them to the successors before anything happens.
//
// Words: an item is one of the 12; its proof is when, and how, somebody or the machine last saw
// that it holds; red is an item that is missing, or whose proof is old. The sealed file has the
// files behind the items, encrypted to who opens the service's first backup. A receipt says that
// a successor has both. Cold, warm and hot say what was proved of the whole.
//
// What never happens:
//   - a secret stands in the document: it names files with their hash, and the box of custody;
//   - a pack takes the place of a newer one;
//   - something is called warm that no successor restored, or red by the word of its owner: the
//     reader computes both;
//   - a path out of a pack leads out of it.
//
// Of the room's folders it imports promise. Source: docs/spec/succession.md#pack
package pack
