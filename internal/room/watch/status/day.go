package status

import (
	"cmp"
	"slices"

	"entrechat/internal/room/watch/verdict"
)

// worse orders states for users: down is worse than partial, partial than not known, not
// known than up.
func worse(s verdict.State) int {
	switch s {
	case verdict.Down:
		return 3
	case verdict.Partial:
		return 2
	case verdict.Up:
		return 0
	case verdict.Unknown:
	}
	return 1
}

// Worst is the state of a service whose targets are in these states: the worst of them. Of
// no target nothing is known.
func Worst(all ...verdict.State) verdict.State {
	if len(all) == 0 {
		return verdict.Unknown
	}
	return slices.MaxFunc(all, func(a, b verdict.State) int { return cmp.Compare(worse(a), worse(b)) })
}
