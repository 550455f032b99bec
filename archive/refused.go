package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxRefused bounds the file of what was refused, in bytes: beyond it messages are named in
// the log only.
const maxRefused = 256 << 20

// refusal is a message that could not be opened or that the feed does not want. It holds the
// message, which is why its file is for the owner's eyes only and none of it is logged.
type refusal struct {
	At     time.Time `json:"at"`
	Seq    uint64    `json:"seq"`
	Status int       `json:"status,omitempty"`
	Why    string    `json:"why"`
	Post   *Post     `json:"post,omitempty"`   // what the feed refused
	Record *Record   `json:"record,omitempty"` // what could not be opened, as WeCom sent it
}

// refuse writes refusals down, on disk when it returns. full tells that there is no room.
func (s *State) refuse(rows []refusal) (full bool, err error) {
	if len(rows) == 0 || s.dry {
		return false, nil
	}
	if info, err := os.Stat(filepath.Join(s.dir, refusedFile)); err == nil && info.Size() > maxRefused {
		return true, nil
	}
	if err := s.add(refusedFile, jsonLines(rows)); err != nil {
		return false, fmt.Errorf("save refused messages: %w", err)
	}
	return false, nil
}

// Retry posts what was refused again and keeps what still is, or what could not be opened. Where
// nothing gets through it leaves the rest as it is, and says so.
func (s *State) Retry(ctx context.Context, feed *Feed) (posted, kept int, err error) {
	file := filepath.Join(s.dir, refusedFile)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	var left []byte
	var stop error
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxRefused)
	for lines.Scan() {
		var row refusal
		if stop == nil {
			stop = ctx.Err()
		}
		if json.Unmarshal(lines.Bytes(), &row) == nil && row.Post != nil && stop == nil {
			r := feed.post(ctx, *row.Post)
			if r.outcome == accepted {
				posted++
				continue
			}
			if r.outcome == down {
				stop = &held{words: fmt.Sprintf("status %d %s", r.status, r.words)}
			}
		}
		left = append(append(left, lines.Bytes()...), '\n')
		kept++
	}
	if err := lines.Err(); err != nil {
		return posted, kept, err
	}
	return posted, kept, errors.Join(stop, replace(file, left))
}
