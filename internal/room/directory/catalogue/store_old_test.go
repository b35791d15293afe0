package catalogue_test

import (
	"testing"
	"testing/fstest"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/migrations"
)

// TestOldColumnsAreRead: what a node wrote before its columns were renamed is there
// afterwards.
func TestOldColumnsAreRead(t *testing.T) {
	before := fstest.MapFS{}
	for _, name := range []string{"0001_file.sql", "0002_catalogue.sql", "0003_referral.sql", "0004_change.sql"} {
		text, err := migrations.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	dbtest.Each(t, "directory", before, func(t *testing.T, d *db.DB) {
		for _, insert := range []string{
			`INSERT INTO directory_hoster (key, source, file, country, words, shadow, turn, said_us, heard_us, sheet)
				VALUES ('a.test', 'log', '', 'FR', ' a test', 0, 7, 1, 2, '{"name":"Chez A","town":"Rennes","country":"FR"}')`,
			`INSERT INTO directory_service (id, hoster, slug, kind, software, country, newcomer, without, shown, said_us, heard_us, sheet)
				VALUES (9, 'a.test', 'pad', 'pad', 'etherpad', 'FR', 1, 0, 1, 3, 4, '{"slug":"pad","name":"Pad","kind":"pad"}')`,
			`INSERT INTO directory_word (word, service) VALUES ('pad', 9)`,
		} {
			if _, err := db.Exec(t.Context(), d, insert); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Migrate(t.Context(), d, "directory", migrations.Files); err != nil {
			t.Fatal(err)
		}
		s := catalogue.New(d)
		h, all, err := s.Hoster(t.Context(), "a.test")
		if err != nil || h.Name != "Chez A" || h.Town != "Rennes" || len(all) != 1 || all[0].Name != "Pad" || all[0].Author.Said != 3 {
			t.Errorf("%+v, %+v, %v", h, all, err)
		}
		found, err := s.Find(t.Context(), catalogue.Query{Text: "pad"})
		if err != nil || found.Total != 1 || found.Services[0].Hoster.Name != "Chez A" {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
