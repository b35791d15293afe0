package app

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAcceptanceNamesTests: docs/acceptance.md names tests and stories that there are.
func TestAcceptanceNamesTests(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "acceptance.md"))
	if err != nil {
		t.Fatal(err)
	}
	var code []byte
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		code = append(code, source...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(strings.ReplaceAll(string(text), "TestStories/NAME", ""), -1)
	if len(names) < 50 {
		t.Errorf("%d names", len(names))
	}
	for _, name := range names {
		if !bytes.Contains(code, []byte("func "+name+"(")) {
			t.Errorf("there is no %s", name)
		}
	}
	for _, list := range regexp.MustCompile(`stor(?:y|ies) ([a-z]\w+(?: and [a-z]\w+)?)`).FindAllStringSubmatch(string(text), -1) {
		for story := range strings.SplitSeq(list[1], " and ") {
			if _, err := os.Stat(filepath.Join(root, "test", "script", "testdata", story+".txtar")); err != nil {
				t.Error(err)
			}
		}
	}
}
