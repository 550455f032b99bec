package main

import (
	"strings"
	"testing"

	"xiaobu/spam"
)

func TestTheTextIsHighlightedWhereReasonsPoint(t *testing.T) {
	text := "退款！加我微信abc12345"
	at := func(piece string) spam.Span {
		i := strings.Index(text, piece)
		return spam.Span{Start: i, End: i + len(piece)}
	}
	reasons := []spam.Reason{
		{Weight: 3, Spans: []spam.Span{at("微信abc12345"), at("abc")}},
		{Weight: -4, Spans: []spam.Span{at("退款"), at("信")}},
	}
	if got, want := highlight(text, reasons, brackets), "⟨退款⟩！加我⟦微信abc12345⟧"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := highlight(text, reasons, colours); !strings.Contains(got, "\x1b[32m退款\x1b[0m") {
		t.Errorf("got %q", got)
	}
	if got := highlight("", nil, brackets); got != "" {
		t.Errorf("nothing became %q", got)
	}
}
