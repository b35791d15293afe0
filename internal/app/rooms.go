package app

// modules are the rooms of the house, in the order they are opened: a room comes after
// those it asks while it is made. This file is the only list of them. To take a room out,
// remove its folder, its file here (room_NAME.go), the bridges of it (bridge_*NAME*.go) and
// their lines in this file.
func modules() []module {
	return []module{
		directoryModule(),
		trustModule(),
		vaultModule(),
		watchModule(),
		identityModule(),
		custodyModule(),
		assemblyModule(),
		successionModule(),
	}
}

// bridges let one room ask another where their types differ. Each answers a value with the
// method the asking room wants, or nil while the other room is not open.
func bridges() []func(a *App) any {
	return []func(a *App) any{
		backupsForDirectory,
		offersForWatch,
		storedForWatch,
		postmortemsForCustody,
		pactsForCustody,
		adminsForCustody,
		decisionsForCustody,
		collectivesForAssembly,
	}
}
