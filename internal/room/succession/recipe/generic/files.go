package generic

import (
	"context"
	"strconv"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// folder is a tree of files.
type folder struct {
	piece

	old, new recipe.Side
}

func (f folder) bytes(ctx context.Context) (int64, error) {
	text, err := recipe.Output(ctx, f.old, recipe.Shell(`cd "$1" && du -sb . | cut -f1`, f.old.Path(f.From)))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
}

func (f folder) empty(ctx context.Context) (bool, error) { return recipe.Empty(ctx, f.new, f.To) }

func (f folder) copy(ctx context.Context, last bool, say func(done, total int64)) error {
	return recipe.Trees{From: f.old, To: f.new, FromDir: f.From, ToDir: f.To, Without: f.Without, Thorough: last}.Copy(ctx, say)
}

func (f folder) count(ctx context.Context) ([]recipe.Count, error) {
	from, err := recipe.CountTree(ctx, f.old, f.From, f.Without...)
	if err != nil {
		return nil, err
	}
	to, err := recipe.CountTree(ctx, f.new, f.To, f.Without...)
	return recipe.Counts(f.Name, from, to), err
}

func (f folder) remove(ctx context.Context) error { return recipe.Clear(ctx, f.new, f.To) }

// file is one file.
type file struct {
	piece

	old, new recipe.Side
}

func (f file) bytes(ctx context.Context) (int64, error) { return fileBytes(ctx, f.old, f.From) }

func (f file) empty(ctx context.Context) (bool, error) { return missing(ctx, f.new, f.To) }

func (f file) copy(ctx context.Context, _ bool, _ func(done, total int64)) error {
	return recipe.CopyFile(ctx, f.old, f.From, f.new, f.To)
}

func (f file) count(ctx context.Context) ([]recipe.Count, error) {
	c := recipe.Count{What: "bytes", Of: f.Name}
	var err error
	if c.From, c.FromSum, err = recipe.CountFile(ctx, f.old, f.From); err != nil {
		return nil, err
	}
	c.To, c.ToSum, err = recipe.CountFile(ctx, f.new, f.To)
	return []recipe.Count{c}, err
}

func (f file) remove(ctx context.Context) error {
	return f.new.Run(ctx, recipe.Command{Args: []string{"rm", "-f", "--", f.new.Path(f.To)}})
}

func fileBytes(ctx context.Context, s recipe.Side, name string) (int64, error) {
	text, err := recipe.Output(ctx, s, recipe.Command{Args: []string{"stat", "-c", "%s", "--", s.Path(name)}})
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
}

func missing(ctx context.Context, s recipe.Side, name string) (bool, error) {
	text, err := recipe.Output(ctx, s, recipe.Shell(`test -e "$1" && echo there; true`, s.Path(name)))
	return text == "", err
}
