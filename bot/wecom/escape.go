package wecom

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// escapeBytes is the length of a \uXXXX escape.
const escapeBytes = 6

// unescape writes the \uXXXX escapes of a JSON text as plain UTF-8, which WeCom asks for:
// some of its calls refuse the escapes that Go's encoder makes of <, >, &, U+2028 and
// U+2029 (error 40033). Escapes that JSON cannot do without stay, and so does the meaning.
func unescape(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u`)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] != '\\' || i+1 >= len(text) {
			out = append(out, text[i])
			i++
			continue
		}
		// A backslash takes the next byte with it, so in \\u003c there is no escape to undo.
		size := 2
		if r, n := escaped(text[i:]); n > 0 && mayBeRaw(r) {
			out = utf8.AppendRune(out, r)
			size = n
		} else {
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	return out
}

// escaped reads the \uXXXX escape, or the pair of them, that text begins with. It returns
// n 0 if there is none or if it stands for half a character.
func escaped(text []byte) (r rune, n int) {
	r, ok := unit(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, escapeBytes
	}
	low, ok := unit(text[escapeBytes:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 2 * escapeBytes
}

// unit reads one \uXXXX.
func unit(text []byte) (rune, bool) {
	if len(text) < escapeBytes || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(text[2:escapeBytes]), 16, 16)
	return rune(v), err == nil
}

// mayBeRaw reports whether a character may stand in a JSON string as itself.
func mayBeRaw(r rune) bool { return r >= ' ' && r != '"' && r != '\\' }
