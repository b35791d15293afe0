package access

import (
	"slices"
	"strings"
)

// The words of StatoolInfos.
const (
	statoolNone   = "None"   // no registration is needed
	statoolFree   = "Free"   // anybody may register
	statoolMember = "Member" // members only
	statoolClient = "Client" // customers only

	statoolOpen = "OPEN"
	statoolFull = "FULL"
)

// Statool is the access in the words of service.registration and
// service.registration.load, one word each because nothing we read allows a
// list. lost are message keys of what they cannot say. An empty word is a field
// that its owner has to fill: nothing is guessed.
// spec: docs/spec/statoolinfos.md#registration
func (a Access) Statool() (registration, load string, lost []string) {
	registration, lost = a.word()
	switch {
	case a.Register == RegisterNobody && registration != statoolNone:
		load = statoolFull // the one way to say that nobody new may come
	case a.Load == LoadOpen:
		load = statoolOpen
	case a.Load == LoadFull:
		load = statoolFull
	}
	return registration, load, lost
}

func (a Access) word() (registration string, lost []string) {
	if a.Without == WithoutAll {
		if a.Register != RegisterUnknown && a.Register != RegisterNobody {
			lost = append(lost, "directory.access.lost_accounts")
		}
		return statoolNone, lost
	}
	if a.Without == WithoutSome {
		lost = append(lost, "directory.access.lost_some")
	}
	switch a.Register {
	case RegisterAnyone:
		return statoolFree, lost
	case RegisterOnRequest:
		return statoolFree, append(lost, "directory.access.lost_request")
	case RegisterInvited:
		return statoolMember, append(lost, "directory.access.lost_invited")
	case RegisterMembers:
		return statoolMember, lost
	case RegisterCustomers:
		return statoolClient, lost
	case RegisterNobody:
		if a.Without == WithoutSome {
			return statoolNone, append(lost, "directory.access.lost_closed")
		}
		return statoolMember, append(lost, "directory.access.lost_closed")
	case RegisterUnknown:
	}
	return "", lost
}

// FromStatool reads the two fields; several words of registration are taken as
// "one or the other". Unknown words say nothing.
// spec: docs/spec/statoolinfos.md#registration
func FromStatool(registration []string, load string) Access {
	a := Access{}
	has := func(word string) bool {
		return slices.ContainsFunc(registration, func(w string) bool { return strings.EqualFold(w, word) })
	}
	switch {
	case has(statoolFree):
		a.Register = RegisterAnyone
	case has(statoolMember):
		a.Register = RegisterMembers
	case has(statoolClient):
		a.Register = RegisterCustomers
	}
	switch {
	case has(statoolNone) && a.Register == RegisterUnknown:
		a.Without = WithoutAll
	case has(statoolNone):
		a.Without = WithoutSome // "without, or with an account": both ways are named
	case a.Register != RegisterUnknown:
		a.Without = WithoutNone
	}
	switch {
	case strings.EqualFold(load, statoolOpen):
		a.Load = LoadOpen
	case strings.EqualFold(load, statoolFull):
		a.Load = LoadFull
	}
	return a
}
