package collective

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

func TestStoreCharters(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		id, doc, err := document.Sign(CharterType, Charter{V: 1, Name: "n"}, trusttest.SignerOf("a.test"))
		trusttest.OK(t, err)
		row := charterRow{ID: id, Doc: doc}
		trusttest.OK(t, putCharter(ctx, d, row, trusttest.Noon))
		trusttest.OK(t, putCharter(ctx, d, row, trusttest.Noon))
		if diff := cmp.Diff([]charterRow{row}, trusttest.Must[[]charterRow](t)(charters(ctx, d))); diff != "" {
			t.Error(diff)
		}
		if _, err := charterByID(ctx, d, "x"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
	})
}
