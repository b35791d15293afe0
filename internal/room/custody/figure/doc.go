// Package figure computes the bus factor: the smallest number of people whose loss ends an
// ability, of places whose loss does, and which members cannot come back when others are
// lost. Everything here is a pure rule over ids.
//
// It imports no other folder of the room. Sources: Avelino et al. 2016 (the truck factor),
// docs/spec/custody.md.
package figure
