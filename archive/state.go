package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Files of the state directory.
const (
	lockFile     = "lock"
	positionFile = "position.json"
	consentFile  = "consents.jsonl"
	refusedFile  = "refused.jsonl"
)

// Position is how far the archive has been worked off.
type Position struct {
	CorpID string `json:"corp_id"`
	// Seq is the newest record up to which everything has been answered for.
	Seq uint64 `json:"seq"`
	// Until is a time before which nothing was left over; zero before the first look.
	Until time.Time `json:"until,omitzero"`
}

// State is the directory of what must outlive the program. One process has it at a time.
type State struct {
	dir     string
	lock    *flock.Flock
	dry     bool
	pos     Position
	opening opening
}

// OpenState opens the directory and takes its lock. A dry one is read and never written, needs
// no lock and may be missing. A position of another company is an error: sequence numbers are
// a company's own.
func OpenState(dir, corp string, dry bool) (*State, error) {
	s := &State{dir: dir, dry: dry, pos: Position{CorpID: corp}}
	if !dry {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("state directory: %w", err)
		}
		s.lock = flock.New(filepath.Join(dir, lockFile))
		if ok, err := s.lock.TryLock(); err != nil {
			return nil, fmt.Errorf("lock state directory: %w", err)
		} else if !ok {
			return nil, fmt.Errorf("state directory %s is in use by another xiaobu-archive", dir)
		}
	}
	err := s.readPosition(corp)
	if err == nil && !dry {
		s.opening, err = openOpening(dir)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *State) readPosition(corp string) error {
	file := filepath.Join(s.dir, positionFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read position: %w", err)
	}
	if err := json.Unmarshal(data, &s.pos); err != nil {
		return fmt.Errorf("%s is no position: %w; restore it, or remove it to begin with the oldest message WeCom has (repeats do no harm)", file, err)
	}
	if s.pos.CorpID != corp {
		return fmt.Errorf("%s is the position of company %s, not of %s: want a state directory of its own", file, s.pos.CorpID, corp)
	}
	return nil
}

// Close gives the directory back.
func (s *State) Close() error {
	if s.lock == nil {
		return nil
	}
	var err error
	if s.opening.f != nil {
		err = s.opening.f.Close()
	}
	return errors.Join(err, s.lock.Unlock())
}

// Position is how far the archive has been worked off.
func (s *State) Position() Position { return s.pos }

// save writes the position; after a crash the file holds this one or the one before.
func (s *State) save(p Position) error {
	if !s.dry {
		data, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(s.dir, positionFile), append(data, '\n')); err != nil {
			return fmt.Errorf("save position: %w", err)
		}
	}
	s.pos = p
	return nil
}

// replace puts a file in another's place in one step, on disk when it returns.
func replace(file string, data []byte) error {
	next := file + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// add appends lines to a file of the directory, on disk when it returns. A half line that a
// crash left behind is ended first, so that it spoils only itself.
func (s *State) add(name string, lines []byte) error {
	if s.dry || len(lines) == 0 {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(appendLines(f, lines), f.Close())
}

func appendLines(f *os.File, lines []byte) error {
	size, err := f.Seek(0, 2)
	if err != nil {
		return err
	}
	if size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			lines = append([]byte{'\n'}, lines...)
		}
	}
	if _, err := f.Write(lines); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if size == 0 {
		return syncDir(filepath.Dir(f.Name()))
	}
	return nil
}
