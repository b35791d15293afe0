package console

import (
	"strings"

	"github.com/spf13/cobra"
)

// Opener gives a command what it works on, and where to print.
type Opener[T any] func(cmd *cobra.Command) (T, *Out, error)

// Part opens a room for a command that works on one part of it.
func Part[R, T any](open Opener[R], of func(R) T) Opener[T] {
	return func(cmd *cobra.Command) (part T, out *Out, err error) {
		room, out, err := open(cmd)
		if err != nil {
			return part, out, err
		}
		return of(room), out, nil
	}
}

// Command makes one command of its line of use, such as "add LINK", which says how many
// words it takes, and of what it is for: "show [MEMBER]" does without, "import FILE..."
// takes one or more. run gets what open opened.
func Command[T any](open Opener[T], use, about string, run func(cmd *cobra.Command, on T, out *Out, typed []string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: about,
		Args:  takes(use),
		RunE: func(cmd *cobra.Command, typed []string) error {
			on, out, err := open(cmd)
			if err != nil {
				return err
			}
			return run(cmd, on, out, typed)
		},
	}
}

// takes is how many words a line of use asks for.
func takes(use string) cobra.PositionalArgs {
	most := strings.Count(use, " ")
	least := most - strings.Count(use, "[")
	if strings.HasSuffix(use, "...") {
		return cobra.MinimumNArgs(least)
	}
	return cobra.RangeArgs(least, most)
}

// Group makes a command that only holds others.
func Group(use, about string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: about}
	c.AddCommand(subs...)
	return c
}
