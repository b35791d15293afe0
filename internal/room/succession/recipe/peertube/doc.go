// Package peertube moves people from one PeerTube to another, with other addresses: videos, channels,
// playlists and whom they follow, by the archive that PeerTube makes of a person.
//
// How. The old server makes the archive, it is brought here, looked at, and given to the new one in
// pieces. Where the old server is dead, an archive that the person has is used, and its numbers are those of
// the source. PeerTube says "completed" also where videos failed: the errors of its summary end the step
// where it gives one, and both sides are counted by what their interfaces list. A second import would
// double what changed its name or length: what we brought is removed first, and a new account that has
// something is refused.
//
// Limits of PeerTube, said before anything is sent: 10,000 files in an archive, unpacked at most twice its
// size (or 1 GB), the person's quota at the new server. Videos are transcoded anew there: hours.
//
// Not moved: addresses (videos get new ones), views, comments and followers; the archive has the last two
// to read. Nobody can be frozen by these interfaces: people upload nothing on the day. The profile and the
// settings come along, are not compared, and of them an undo puts back name and description alone.
//
// A whole PeerTube, with its domain, is moved by the recipe generic: database, storage, secrets.
//
// Tried against the documented interface and the format of the archive only: no PeerTube could be run where
// this was written. Sources: docs.joinpeertube.org/api-rest-reference (user exports, user imports,
// PeerTube 6.1 and newer), docs/spec/succession.md#recipes
package peertube
