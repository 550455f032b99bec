package codes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// families are the files of Chinese fonts, best first; the second is the bold one where it is
// a file of its own.
var families = [][2]string{
	{"NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"},
	{"NotoSansCJKsc-Regular.otf", "NotoSansCJKsc-Bold.otf"},
	{"NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf"},
	{"NotoSansSC-Regular.ttf", "NotoSansSC-Bold.ttf"},
	{"SourceHanSans-Regular.ttc", "SourceHanSans-Bold.ttc"},
	{"SourceHanSansSC-Regular.otf", "SourceHanSansSC-Bold.otf"},
	{"SourceHanSansCN-Regular.otf", "SourceHanSansCN-Bold.otf"},
	{"PingFang.ttc", ""},
	{"msyh.ttc", "msyhbd.ttc"},
	{"Hiragino Sans GB.ttc", ""},
	{"STHeiti Medium.ttc", ""},
	{"wqy-microhei.ttc", ""},
	{"wqy-zenhei.ttc", ""},
	{"DroidSansFallbackFull.ttf", ""},
	{"simhei.ttf", ""},
	{"simsun.ttc", ""},
	{"simsunb.ttf", ""}, // the rare characters of the one before
	{"Arial Unicode.ttf", ""},
}

// FontDirs are the folders where systems keep fonts; of those that do not exist nothing is said.
func FontDirs() []string {
	dirs := []string{"/usr/share/fonts", "/usr/local/share/fonts",
		"/System/Library/Fonts", "/System/Library/AssetsV2/com_apple_MobileAsset_Font7", "/System/Library/AssetsV2/com_apple_MobileAsset_Font8", "/Library/Fonts"}
	if win := os.Getenv("WINDIR"); win != "" {
		dirs = append(dirs, filepath.Join(win, "Fonts"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".fonts"), filepath.Join(home, ".local/share/fonts"), filepath.Join(home, "Library/Fonts"),
			filepath.Join(home, "AppData/Local/Microsoft/Windows/Fonts"))
	}
	return dirs
}

// ErrFont says that the font which the setting print.font names cannot be used.
var ErrFont = errors.New("setting print.font")

// ErrNoFont says that the machine has no Chinese font, and what to do.
var ErrNoFont = errors.New("this machine has no Chinese font to print with: install one (Debian, Ubuntu: apt install fonts-noto-cjk; " +
	"Alpine: apk add font-noto-cjk; Fedora: dnf install google-noto-sans-cjk-fonts), or name a TTF, OTF or TTC file in the setting print.font")

// Fonts are what texts are set in. A character that a face does not have is looked for in
// the next one. They are read from their files as characters are needed, by many goroutines.
type Fonts struct {
	regular, bold []*face

	mu    sync.Mutex
	known map[letter]glyph // what was looked up; a glyph without a face: no font has it
}

// letter is a character as it is asked for.
type letter struct {
	r    rune
	bold bool
}

// maxKnown bounds how many letters are kept.
const maxKnown = 20_000

// face is one font of a file.
type face struct {
	file *os.File
	font *sfnt.Font
	em   int // units of an em
}

// glyph is a character of a face.
type glyph struct {
	face  *face
	index sfnt.GlyphIndex
	width float64 // of an em
}

// OpenFonts opens the file that a setting names, if any, and then the Chinese fonts below
// some folders. A named file that cannot be used is an error, one that merely lies around is
// passed over; without any font it is ErrNoFont.
func OpenFonts(named string, dirs []string) (*Fonts, error) {
	f := &Fonts{known: map[letter]glyph{}}
	if named != "" {
		if err := f.add(named, named); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFont, errors.Join(err, f.Close()))
		}
	}
	found := findFonts(dirs)
	for _, family := range families {
		if regular := found[family[0]]; regular != "" {
			_ = f.add(regular, found[family[1]]) // the next family may be read
		}
	}
	if len(f.regular) == 0 {
		return nil, ErrNoFont
	}
	f.bold = append(f.bold, f.regular...)
	return f, nil
}

// CheckFont says why a font file cannot be printed with; nil: it can.
func CheckFont(file string) error {
	f := &Fonts{known: map[letter]glyph{}}
	return errors.Join(f.add(file, file), f.Close())
}

// findFonts maps the names of families' files to the first place where they are.
func findFonts(dirs []string) map[string]string {
	found := map[string]string{}
	wanted := func(name string) bool {
		return slices.ContainsFunc(families, func(f [2]string) bool { return f[0] == name || f[1] == name })
	}
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && found[d.Name()] == "" && wanted(d.Name()) {
				found[d.Name()] = path
			}
			return nil // what cannot be read is not there
		})
	}
	return found
}

// add opens a family: its regular face, and a bold one if there is one.
func (f *Fonts) add(regular, bold string) error {
	r, err := openFace(regular, false)
	if err != nil {
		return err
	}
	f.regular = append(f.regular, r)
	if bold == "" {
		bold = regular
	}
	if b, err := openFace(bold, true); err == nil {
		f.bold = append(f.bold, b)
	}
	return nil
}

// Close closes the files.
func (f *Fonts) Close() error {
	var err error
	for _, face := range slices.Concat(f.regular, f.bold) {
		if e := face.file.Close(); !errors.Is(e, fs.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func openFace(path string, bold bool) (*face, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := pick(file, bold)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be read as a TrueType or OpenType font: %w", path, err), file.Close())
	}
	return &face{file: file, font: f, em: int(f.UnitsPerEm())}, nil
}

// pick takes the font of a file that writes Chinese as it is written on the mainland, in the
// weight that is wanted, as far as the file has it.
func pick(file *os.File, bold bool) (*sfnt.Font, error) {
	c, err := sfnt.ParseCollectionReaderAt(file)
	if err != nil {
		return nil, err
	}
	var best *sfnt.Font
	most := -1
	for i := range c.NumFonts() {
		f, err := c.Font(i)
		if err != nil {
			return nil, err
		}
		name, err := f.Name(nil, sfnt.NameIDFull)
		if err != nil {
			name = "" // then it stays as it comes
		}
		if n := fitness(strings.Fields(name), bold); n > most {
			best, most = f, n
		}
	}
	if best == nil {
		return nil, errors.New("it has no font")
	}
	return best, nil
}

// fitness rates a font by its name.
func fitness(words []string, bold bool) int {
	n := 0
	if slices.Contains(words, "SC") || slices.Contains(words, "CN") || slices.Contains(words, "GB") {
		n += 4
	}
	if !slices.Contains(words, "Mono") && !slices.Contains(words, "UI") {
		n += 2
	}
	heavy, odd := false, false
	for _, w := range words {
		heavy = heavy || w == "Bold" || w == "Semibold" || w == "W6"
		odd = odd || w == "Light" || w == "Thin" || w == "Ultralight" || w == "Medium"
	}
	if heavy == bold && !odd {
		n++
	}
	return n
}

// glyph finds a character.
func (f *Fonts) glyph(r rune, bold bool) (glyph, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, ok := f.known[letter{r, bold}]
	if !ok {
		g = f.find(r, bold)
		if len(f.known) >= maxKnown {
			clear(f.known)
		}
		f.known[letter{r, bold}] = g
	}
	return g, g.face != nil
}

// find looks into one face after the other.
func (f *Fonts) find(r rune, bold bool) glyph {
	faces := f.regular
	if bold {
		faces = f.bold
	}
	var b sfnt.Buffer
	for _, face := range faces {
		index, err := face.font.GlyphIndex(&b, r)
		if err != nil || index == 0 {
			continue
		}
		width, err := face.font.GlyphAdvance(&b, index, fixed.I(face.em), font.HintingNone)
		if err == nil {
			return glyph{face, index, float64(width) / 64 / float64(face.em)}
		}
	}
	return glyph{}
}

// plain is a text as it can be printed: white space is one space, and what no font draws as
// an outline (emoji, marks of their variants, control characters) is left out. Letters, digits
// and Chinese characters are never left out: those that no font has come back as missing.
func (f *Fonts) plain(text string) (plain string, missing []rune) {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if _, ok := f.glyph(r, false); ok && unicode.IsGraphic(r) && !variant(r) {
			b.WriteRune(r)
		} else if (unicode.IsLetter(r) || unicode.IsDigit(r)) && !slices.Contains(missing, r) {
			missing = append(missing, r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " "), missing
}

// variant reports marks that choose between looks of the character before them.
func variant(r rune) bool {
	return unicode.Is(unicode.Variation_Selector, r) || r >= 0x1F3FB && r <= 0x1F3FF
}
