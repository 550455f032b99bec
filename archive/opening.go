package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxDeaths is how often the program may end while it opens one record before that is put aside.
// Once or twice it may have been killed by somebody.
const maxDeaths = 3

// opening notes which record is being opened. WeCom's library may end the whole process at a
// record; without the note the next process would end at the same one.
type opening struct {
	f       *os.File
	suspect uint64 // the record at which processes ended; 0: none
	deaths  int
}

const openingFile = "opening"

func openOpening(dir string) (opening, error) {
	file := filepath.Join(dir, openingFile)
	var o opening
	if data, err := os.ReadFile(file); err == nil {
		if _, err := fmt.Sscan(string(data), &o.suspect, &o.deaths); err == nil && o.suspect > 0 {
			o.deaths++
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	var err error
	o.f, err = os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
	return o, err
}

// begin notes a record that is about to be opened. It reports false for one that has ended the
// program too often. The note outlives the process, which is enough: it is not forced to disk.
func (s *State) begin(seq uint64) (bool, error) {
	if s.dry {
		return true, nil
	}
	deaths := 0
	if seq == s.opening.suspect {
		if deaths = s.opening.deaths; deaths >= maxDeaths {
			return false, nil
		}
	}
	return true, s.opening.note(seq, deaths)
}

// end notes that nothing is being opened.
func (s *State) end() error {
	if s.dry {
		return nil
	}
	return s.opening.note(0, 0)
}

func (o *opening) note(seq uint64, deaths int) error {
	if _, err := o.f.WriteAt(fmt.Appendf(nil, "%020d %d\n", seq, deaths), 0); err != nil {
		return fmt.Errorf("note what is being opened: %w", err)
	}
	return nil
}
