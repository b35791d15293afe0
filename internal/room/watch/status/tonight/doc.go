// Package tonight is the admin's page for the middle of the night: what is wrong, who is
// awake, who was told and who takes care of it, and what each vantage point sees, side by
// side. Each screen asks for one thing.
//
// What never happens here: a text that a server or a stranger sent is anything but text;
// what is weak looks like what is sure; somebody is named to who is not signed in.
package tonight
