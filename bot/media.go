package bot

import (
	"context"
	"time"
)

// File is what a message can show or hand out, with what is in it.
type File struct {
	Type AttachmentType // image, video or file
	Name string         // as people see it, with its ending
	Data []byte
}

// MediaUploader keeps files, so that messages can refer to them by an id.
type MediaUploader interface {
	// UploadMedia hands a file over and returns the id that stands for it, and how long it does.
	// Handing it over twice makes two ids and does no harm.
	UploadMedia(ctx context.Context, f File) (id string, life time.Duration, err error)
}
