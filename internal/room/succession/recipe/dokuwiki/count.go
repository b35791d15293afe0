package dokuwiki

import (
	"context"
	"path"

	"entrechat/internal/room/succession/recipe"
)

// Count counts pages, revisions, media, what is known of them, and each file of people and settings.
func (m *move) Count(ctx context.Context, _ string) (all []recipe.Count, err error) {
	names := map[string]string{
		"pages": "pages", "attic": "revisions", "meta": "meta", "media": "media", "media_attic": "media_revisions", "media_meta": "media_meta",
	}
	for _, name := range trees() {
		from, err := recipe.CountTree(ctx, m.from, path.Join(m.Old.Data, name), passing()...)
		if err != nil {
			return nil, err
		}
		to, err := recipe.CountTree(ctx, m.to, path.Join(m.New.Data, name), passing()...)
		if err != nil {
			return nil, err
		}
		all = append(all, recipe.Count{What: names[name], From: from.Files, To: to.Files, FromSum: from.Sum, ToSum: to.Sum})
	}
	for _, f := range m.files() {
		source, err := m.source(ctx, f)
		if err != nil {
			return nil, err
		}
		if source == "" {
			continue
		}
		c := recipe.Count{What: "bytes", Of: f.name}
		if c.From, c.FromSum, err = recipe.CountFile(ctx, m.from, source); err != nil {
			return nil, err
		}
		if c.To, c.ToSum, err = recipe.CountFile(ctx, m.to, f.new); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
