package main

import "testing"

func TestFoldText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		columns    int
		want       string
	}{
		{"fits", "one two", 7, "one two"},
		{"off a terminal", "one two", 0, "one two"},
		{"breaks", "one two three", 7, "one two\nthree"},
		{"each line by itself", "one two three\n\nfour five", 7, "one two\nthree\n\nfour\nfive"},
		{"as far in", "  one two three", 9, "  one two\n  three"},
		{"below what it says", "Error: it is so and not so", 16, "Error: it is so\n       and not\n       so"},
		{"colour takes no room", "\x1b[1;31mError:\x1b[0m it is", 12, "\x1b[1;31mError:\x1b[0m it is"},
		{"in colour", "\x1b[31mError:\x1b[0m it is so", 12, "\x1b[31mError:\x1b[0m it is\n       so"},
		{"a long word stays whole", "see /a/very/long/path there", 8, "see\n/a/very/long/path\nthere"},
		{"a long word first", "/a/very/long/path there", 8, "/a/very/long/path\nthere"},
		{"wide characters", "漢字 漢字", 6, "漢字\n漢字"},
	} {
		if got := foldText(c.text, c.columns); got != c.want {
			t.Errorf("%s:\n%q, want\n%q", c.name, got, c.want)
		}
	}
}
