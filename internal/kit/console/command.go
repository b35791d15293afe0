package console

import (
	"strings"

	"github.com/spf13/cobra"
)

// Opener gives a command what it works on, and where to print.
type Opener[T any] func(cmd *cobra.Command) (T, *Out, error)

// Command makes one command of its line of use, such as "add LINK", which says how many
// words it takes, and of what it is for. run gets what open opened.
func Command[T any](open Opener[T], use, about string, run func(cmd *cobra.Command, on T, out *Out, typed []string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: about,
		Args:  cobra.ExactArgs(strings.Count(use, " ")),
		RunE: func(cmd *cobra.Command, typed []string) error {
			on, out, err := open(cmd)
			if err != nil {
				return err
			}
			return run(cmd, on, out, typed)
		},
	}
}

// Group makes a command that only holds others.
func Group(use, about string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: about}
	c.AddCommand(subs...)
	return c
}
