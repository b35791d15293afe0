package app

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"entrechat/internal/kit/words"
)

// rule looks at a whole tree and complains, with a file and a line.
type rule func(*testing.T, *tree) []string

// houseRules are the laws that no compiler and no linter keeps.
func houseRules() map[string]rule {
	return map[string]rule{
		"imports":         imports,
		"package_docs":    packageDocs,
		"file_length":     fileLength,
		"clocks":          clocks,
		"skips":           skips,
		"both_languages":  bothLanguages,
		"keys_exist":      keysExist,
		"sentences_used":  sentencesUsed,
		"own_tables":      ownTables,
		"one_migration":   oneMigration,
		"spec_references": specReferences,
		"dependencies":    dependencies,
		"commands_exist":  commandsExist,
		"page_links":      pageLinks,
		"records_run":     recordsRun,
		"folder_size":     folderSize,
		"few_methods":     fewMethods,
		"field_words":     fieldWords,
		"types_listed":    typesListed,
		"headings_match":  headingsMatch,
	}
}

// TestHouse holds this checkout against every rule.
func TestHouse(t *testing.T) {
	house := plant(t, os.DirFS("../.."))
	for name, check := range houseRules() {
		t.Run(name, func(t *testing.T) {
			for _, complaint := range check(t, house) {
				t.Error(complaint)
			}
		})
	}
}

// TestEverySentenceIsSaid loads the words the way the program does: a catalogue
// that no list names, or a sentence that is no template, shows as its key.
func TestEverySentenceIsSaid(t *testing.T) {
	loaded, err := words.New(allWords()...)
	if err != nil {
		t.Fatal(err)
	}
	for name, sentences := range catalogues(t, plant(t, os.DirFS("../.."))) {
		printer := loaded.Printer(strings.TrimSuffix(path.Base(name), ".toml"))
		var lost []string
		for key := range sentences {
			if printer.T(key, map[string]any{"Count": 2}) == "⟦"+key+"⟧" {
				lost = append(lost, key)
			}
		}
		if len(lost) > 0 {
			t.Errorf("%s: the program does not find %d of %d sentences, such as %s", name, len(lost), len(sentences), slices.Min(lost))
		}
	}
}

// TestHouseRulesBite gives each rule small trees that break it. A file in
// testdata/house is named <rule>_<what>.txtar; each line of its head is a part
// of one expected complaint, and there may be no others.
func TestHouseRulesBite(t *testing.T) {
	entries, err := os.ReadDir("testdata/house")
	if err != nil {
		t.Fatal(err)
	}
	bitten := map[string]bool{}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			archive, err := txtar.ParseFile(path.Join("testdata/house", entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			fsys := fstest.MapFS{}
			for _, file := range archive.Files {
				fsys[file.Name] = &fstest.MapFile{Data: file.Data}
			}
			for name, check := range houseRules() {
				if strings.HasPrefix(entry.Name(), name+"_") {
					bitten[name] = true
					compare(t, check(t, plant(t, fsys)), strings.Split(strings.TrimSpace(string(archive.Comment)), "\n"))
				}
			}
		})
	}
	for name := range houseRules() {
		if !bitten[name] {
			t.Errorf("no tree shows that the rule %s can fail", name)
		}
	}
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for _, part := range want {
		i := slices.IndexFunc(got, func(c string) bool { return strings.Contains(c, part) })
		if i < 0 {
			t.Errorf("no complaint about %q", part)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, complaint := range got {
		t.Errorf("not expected: %s", complaint)
	}
}
