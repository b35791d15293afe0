// Package rooms holds the law that a room is one folder and one file in app: a room can be
// added, and each can be taken out, and the house still builds. It builds copies of the
// checkout, which takes some tens of seconds.
package rooms
