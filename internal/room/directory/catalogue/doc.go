// Package catalogue holds what every known hoster says of itself and of its
// services: of members of the network from their logbooks, of others from the
// files they publish.
//
// Words. A listing is what one author says of one hoster (Hoster) or of one of
// its services (Service). A source is how it reached us. The author's moment is
// when he said it, ours when we heard it; both are shown, and neither is a verdict:
// who is silent stays, with the age of his words.
//
// What never happens here: two sources are mixed into one fact; anything is
// deleted because somebody is silent; a size or a popularity orders the list.
package catalogue
