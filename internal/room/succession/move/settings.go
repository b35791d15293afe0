package move

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// read is a file of settings, read.
type read struct {
	file, sum string
	recipe    recipe.Recipe
	move      recipe.Move
	scopes    []string
	domains   []string
}

const maxFile = 64 << 10

// find is a recipe by its name. Returns CodeNotFound "succession.move.no_recipe".
func (s *Service) find(name string) (recipe.Recipe, error) {
	return Find(s.n.Recipes, name)
}

// Find is a recipe by its name. Returns CodeNotFound "succession.move.no_recipe".
func Find(all []recipe.Recipe, name string) (recipe.Recipe, error) {
	i := slices.IndexFunc(all, func(r recipe.Recipe) bool { return r.About().Name == name })
	if i < 0 {
		return nil, core.NotFound("succession.move.no_recipe", errors.New("no such recipe")).With("Recipe", name)
	}
	return all[i], nil
}

// read reads a file of settings; its key "recipe" says whose they are. A file that others may read
// is refused: it holds secrets.
func (s *Service) read(name string) (read, error) {
	file, err := filepath.Abs(name)
	if err != nil {
		return read{}, core.NotFound("succession.move.no_file", err).With("Path", name)
	}
	f, err := os.Open(file)
	if err != nil {
		return read{}, core.NotFound("succession.move.no_file", err).With("Path", file)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return read{}, core.NotFound("succession.move.no_file", err).With("Path", file)
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		return read{}, core.Denied("succession.move.readable", err).With("Path", file)
	}
	var loose struct {
		Recipe  string         `toml:"recipe"`
		Domains []string       `toml:"domains"`
		From    map[string]any `toml:"from"`
		To      map[string]any `toml:"to"`
	}
	if err := toml.Unmarshal(text, &loose); err != nil {
		return read{}, recipe.Wrong(err.Error())
	}
	which, err := s.find(loose.Recipe)
	if err != nil {
		return read{}, err
	}
	m, err := which.Read(text)
	if err != nil {
		return read{}, err
	}
	sum := sha256.Sum256(text)
	r := read{file: file, sum: hex.EncodeToString(sum[:]), recipe: which, move: m, domains: loose.Domains}
	if scoped, ok := m.(recipe.Scoped); ok {
		r.scopes = scoped.Scope()
		return r, nil
	}
	sides, err := json.Marshal([]any{loose.Recipe, loose.From, loose.To})
	if err != nil {
		return read{}, fmt.Errorf("name what is moved: %w", err)
	}
	r.scopes = []string{string(sides)}
	return r, nil
}

// claims are what a move of these units takes: nobody else moves it meanwhile.
func (r read) claims(units []string) (out []string) {
	for _, scope := range r.scopes {
		for _, unit := range units {
			sum := sha256.Sum256([]byte(scope + "\x00" + unit))
			out = append(out, hex.EncodeToString(sum[:]))
		}
	}
	return out
}
