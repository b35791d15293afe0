// Package access says who may use a service, on two axes that other formats mix:
// can it be used without an account, and who may open one; and beside them, is
// there room for newcomers.
//
// StatoolInfos has one word for both ("registration") and one for the room
// ("registration.load"). A service whose videos anybody watches and where nobody
// new may publish fits none of its values (forum.chatons.org 2068), so writing
// loses something: Statool says what. Reading never invents: what the word does
// not say stays unknown.
//
// Sources: docs/spec/statoolinfos.md#registration.
package access
