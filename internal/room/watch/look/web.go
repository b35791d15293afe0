package look

import (
	"bytes"
	"context"

	"entrechat/internal/room/watch/target"
)

// web looks at a web page.
func web(ctx context.Context, a *Attempt, t target.Target) error {
	ask := Ask{URL: t.Address}
	if len(t.Expect.Status) > 0 {
		ask.Final = func(status int) bool { return inStatus(t.Expect.Status, status) }
	}
	w, err := a.Get(ctx, ask)
	if err != nil {
		return err
	}
	return w.Check(t.Expect)
}

// Check says whether an answer is the expected one: status (200 to 399 when none is
// expected), text, and what stands at a JSON pointer. Returns a ClassError.
func (w *Answer) Check(e target.Expect) error {
	well := w.Status >= 200 && w.Status < 400
	if len(e.Status) > 0 {
		well = inStatus(e.Status, w.Status)
	}
	if !well {
		return Fail(statusClass(w.Status), "status %d", w.Status)
	}
	if e.Text != "" && !bytes.Contains(w.Body, []byte(e.Text)) {
		return Fail(Content, "status %d, but the expected text is not there%s", w.Status, w.within())
	}
	if e.Absent != "" && bytes.Contains(w.Body, []byte(e.Absent)) {
		return Fail(Content, "status %d, but there stands what must not be there", w.Status)
	}
	if e.Pointer == "" {
		return nil
	}
	return w.at(e.Pointer, e.Value)
}

// within says that only a part was read, when it is so.
func (w *Answer) within() string {
	if w.Cut {
		return " (in its first 64 KiB)"
	}
	return ""
}

// at compares what stands at a JSON pointer.
func (w *Answer) at(pointer, value string) error {
	var doc any
	if err := w.JSON(&doc); err != nil {
		return err
	}
	got, ok := At(doc, pointer)
	switch {
	case !ok:
		return Fail(Content, "nothing stands at %.60q", pointer)
	case value != "" && got != value:
		return Fail(Content, "at %.60q stands %.60q", pointer, got)
	}
	return nil
}
