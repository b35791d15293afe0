package succession

import (
	"io/fs"

	"entrechat/internal/room/succession/move"
	"entrechat/internal/room/succession/readonly"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/dokuwiki"
	"entrechat/internal/room/succession/recipe/generic"
	"entrechat/internal/room/succession/recipe/mail"
	"entrechat/internal/room/succession/recipe/mastodon"
	"entrechat/internal/room/succession/recipe/nextcloud"
	"entrechat/internal/room/succession/recipe/peertube"
	"entrechat/internal/room/succession/recipe/xmpp"
)

// Recipes are the programs whose data is moved: a line each, here and below.
func Recipes() []recipe.Recipe {
	return []recipe.Recipe{
		dokuwiki.Recipe{},
		generic.Recipe{},
		mail.Recipe{},
		mastodon.Recipe{},
		nextcloud.Recipe{},
		peertube.Recipe{},
		xmpp.Recipe{},
	}
}

// recipeWords are the sentences of the recipes, and of what runs them.
func recipeWords() []fs.FS {
	return []fs.FS{
		move.Words,
		readonly.Words,
		dokuwiki.Words,
		generic.Words,
		mail.Words,
		mastodon.Words,
		nextcloud.Words,
		peertube.Words,
		xmpp.Words,
	}
}
