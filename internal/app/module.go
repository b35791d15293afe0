package app

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
)

// module is one room as the house knows it. Everything app does with a room goes through
// its module, so that a new room is its folder, one file here, and a line in modules.
type module struct {
	// name is the room's folder, table prefix, word prefix and section of entrechat.toml.
	name string
	// words are the room's sentences: of the room itself, then of its folders that have some.
	words  []fs.FS
	tables fs.FS // migrations
	// settings are the room's section of entrechat.toml, without its name; nil = it has none.
	settings *config.Section
	// grants are the promises members can make each other that the room uses.
	grants []core.GrantType
	// commands are the room's commands; group is where they stand in help.
	commands func(l *cli) []*cobra.Command
	group    string
	// open makes the room over an open node: what other rooms may ask it, and what it
	// hands to the house. It is called once the logbook knows who we are.
	open func(ctx context.Context, a *App) (room any, f fit.Fittings, err error)
	// spare is a room without which the others do their work. One that cannot be opened, as
	// its secrets cannot be read, is left aside: doctor and health name it.
	spare bool
}

// openRooms makes every room.
func (a *App) openRooms(ctx context.Context) error {
	for _, m := range modules() {
		room, fittings, err := m.open(ctx, a)
		if err != nil && m.spare && ctx.Err() == nil {
			a.Log.Error("a room is left aside", "room", m.name, "error", err)
			room, fittings, err = leftAside{err}, a.leftAside(m.name, err), nil
		}
		if err != nil {
			return err
		}
		a.rooms, a.fittings = append(a.rooms, room), append(a.fittings, fittings)
	}
	a.fittings = append([]fit.Fittings{a.logbookFittings()}, a.fittings...)
	return nil
}

// leftAside stands for a room that could not be opened.
type leftAside struct{ err error }

// leftAside is what says so.
func (a *App) leftAside(name string, err error) fit.Fittings {
	return fit.Fittings{
		Name:   name,
		Checks: []fit.Check{{Name: "app.check_room", Run: fit.Plain(func(context.Context) error { return err })}},
		Health: func(context.Context) (fit.Finding, error) {
			return fit.Well("app.room_aside", map[string]any{"Trouble": a.Lang.Error(err)}), nil
		},
	}
}

// migrateRooms applies the rooms' migrations.
func (a *App) migrateRooms(ctx context.Context) error {
	for _, m := range modules() {
		if m.tables == nil {
			continue
		}
		if err := db.Migrate(ctx, a.DB, m.name, m.tables); err != nil {
			return err
		}
	}
	return nil
}

// opened finds the room that answers T; ok is false where none does, or none that is
// open yet.
func opened[T any](a *App) (answer T, ok bool) {
	for _, room := range a.rooms {
		if answer, ok = room.(T); ok {
			return answer, true
		}
	}
	return answer, false
}

// ask finds who answers T: a room, or a bridge to one.
func ask[T any](a *App) (answer T, ok bool) {
	if answer, ok = opened[T](a); ok {
		return answer, true
	}
	for _, bridge := range bridges() {
		if answer, ok = bridge(a).(T); ok {
			return answer, true
		}
	}
	return answer, false
}

// need is ask for what a room cannot be without.
func need[T any](a *App, room string) (T, error) {
	answer, ok := ask[T](a)
	if !ok {
		return answer, fmt.Errorf("the room %s needs a room that answers %T", room, &answer)
	}
	return answer, nil
}

// openFor opens the node for a command of a room, and answers the room.
func openFor[T any](l *cli, cmd *cobra.Command) (room T, err error) {
	a, err := l.open(cmd.Context())
	if err != nil {
		return room, err
	}
	room, ok := opened[T](a)
	if ok {
		return room, nil
	}
	if aside, ok := opened[leftAside](a); ok {
		return room, aside.err
	}
	return room, fmt.Errorf("no room is a %T", room)
}

// opener opens the node for the commands of a room.
func opener[T any](l *cli) console.Opener[T] {
	return func(cmd *cobra.Command) (T, *console.Out, error) {
		room, err := openFor[T](l, cmd)
		return room, &l.out, err
	}
}

// grantTypes are the promises this house knows.
func grantTypes() []core.GrantType {
	var all []core.GrantType
	for _, m := range modules() {
		all = append(slices.Clone(m.grants), all...) // last the planned ones
	}
	return all
}

// sections are the rooms' settings.
func sections() []config.Section {
	var all []config.Section
	for _, m := range modules() {
		if m.settings != nil {
			s := *m.settings
			s.Name = m.name
			all = append(all, s)
		}
	}
	return all
}
