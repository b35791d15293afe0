// Package show is what everybody sees of the board: a page for each hoster, each service and
// each incident, what was learned, feeds, badges, calendars, JSON. All of it is read from
// memory.
//
// What never happens here: a stranger's text is anything but text; a state that nobody
// established is said to be well; an old page does not say its age; a figure is written in
// nines.
package show
