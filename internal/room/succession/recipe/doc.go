// Package recipe moves the data of one program from one server to another, so that people can
// see what arrived.
//
// Words. A side is a server, or a folder with what a backup had: where data comes from, or goes
// to. A unit is what is moved at once: a mailbox, a user, a repository, or the whole. A count is one
// number taken on both sides. The table says of each part of the data whether it is kept, archived
// or lost. A step may be done again at any time; what it did until the cut can be undone.
//
// Each program has a folder of its own with the same shape: doc.go (what moves, versions,
// sources), settings.go (what a person writes), steps.go, count.go, and tests against the real
// program, or against its documented format, and then it says so.
//
// How one is written: copy the folder of the smallest, generic, and keep its shape. Settings embed
// Sides, are read by ReadSettings, and refused with Wrong. Whatever runs, runs by a Side, so that it
// works over ssh and dies with its context; a script of ours goes through Shell, secrets through Env
// or Stdin; a program that is spoken to by HTTP goes through Web, with
// tokens in files. Trees copies folders, CountTree counts them; in a snapshot Lives is false: there freeze
// has nothing to do and the source's numbers come from the files. A step that made something at the
// target notes in Work.Dir that it is its own before it begins, and Undo removes only that. The
// recipe's test calls recipetest.Contract with a world that has real data, and the recipe gets a
// lines in recipes.go of the room, and its words.
//
// What never happens: a program's own word that it succeeded is taken for a count; a step deletes
// at the source before the cut; a step that broke off cannot be done again; two moves of one unit
// run at once.
//
// Source: docs/spec/succession.md#recipes
package recipe
