package app

import (
	"strings"
	"testing"

	"entrechat/internal/app/config"
	"entrechat/internal/core"
)

func TestConfigOfTheVault(t *testing.T) {
	for text, want := range map[string]string{
		"spool_max = '1 MB'": "vault.spool_max", "cache_max = 20": "vault.cache_max: 20 B", "spool_max = 'much'": "line 4",
	} {
		_, err := config.Parse([]byte("[node]\norigin='a.test'\n[vault]\n"+text+"\n"), sections())
		if core.CodeOf(err) != core.CodeInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a mention of %q", text, err, want)
		}
	}
}

// A file that was written before [node] had what several rooms ask.
func TestConfigOfBeforeIsRead(t *testing.T) {
	old := "[node]\norigin='a.test'\n[vault]\nspool_max='64 MB'\nfree_floor='3 GB'\nsite='Rennes'\nadmin='us'\n"
	got, err := config.Parse([]byte(old), sections())
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Node; n.Site != "Rennes" || n.Admin != "us" || n.Floor != 3*core.GB {
		t.Errorf("read %+v", n)
	}
	if config.Of[*vaultConfig](got, "vault").Spool != 64*core.MB {
		t.Error("the rest of [vault] was not read")
	}
	got, err = config.Parse([]byte(old+"[node.x]\n"), sections())
	if err == nil || !strings.Contains(err.Error(), "line") {
		t.Errorf("an unknown table: %v, %+v", err, got)
	}
	got, err = config.Parse([]byte(strings.Replace(old, "[node]\n", "[node]\nsite='Brest'\nfree_floor='1 GB'\n", 1)), sections())
	if err != nil || got.Node.Site != "Brest" || got.Node.Floor != core.GB {
		t.Errorf("the new key gave way to the old: %+v, %v", got.Node, err)
	}
}
