// Package relying has what stories about sign-ins need: a small service that signs people in
// by OpenID Connect as other projects' services do it, and a person's browser without
// scripts. The demo and the tests of journeys between hosters are told with it.
//
// Words: a relying party is a service that knows one issuer, and of a person what it says.
//
// Source: OpenID Connect Core 1.0, Back-Channel Logout 1.0.
package relying
