package web

import "testing"

// TestProse: a command in a sentence is code; whatever stands in it stays text.
func TestProse(t *testing.T) {
	for _, x := range []struct{ sentence, want string }{
		{"", ""},
		{"a < b", "a &lt; b"},
		{"Run `doctor`, then `up`.", "Run <code>doctor</code>, then <code>up</code>."},
		{"`<script>` & <script>", "<code>&lt;script&gt;</code> &amp; &lt;script&gt;"},
		{"one ` alone <b>", "one ` alone &lt;b&gt;"},
		{"`a` and `b", "<code>a</code> and `b"},
	} {
		if got := string(prose(x.sentence)); got != x.want {
			t.Errorf("%q: %q, want %q", x.sentence, got, x.want)
		}
	}
}
