package app

import "entrechat/internal/room/assembly"

// decisionsForCustody lets custody ask what collectives decided.
func decisionsForCustody(a *App) any {
	if room, ok := opened[*assembly.Room](a); ok {
		return room.Decisions
	}
	return nil
}
