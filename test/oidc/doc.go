// Package oidc holds an OpenID Provider against what the standards ask of it, from outside:
// it knows an issuer's address, three clients and two people, and nothing else.
//
//	go test ./test/oidc                                    ours, its pages of sign-in too
//	go test -tags long ./test/oidc -run TestPeer -v        npm oidc-provider, that this is honest
//	OIDC_TARGET=target.json go test ./test/oidc -run TestAny -v     any other
//
// target.json is what type target says. Every check has an id, and a source that asks for it.
// What others fail stands in docs/identity-battery.md.
package oidc
