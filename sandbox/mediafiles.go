package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	_ "image/jpeg" // the two formats that the platform takes
	_ "image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	attachmentBytes = 10 << 20
	momentPixels    = 1_555_200 // 1440 x 1080
	momentVideo     = 30 * time.Second
	maxVoice        = 60 * time.Second

	codeBadFormat = 40004
	codeBadImage  = 40123
	codeVoiceLong = 45007
	picturePath   = "/pic_wework/"

	maxUploadFields = 10
	voiceHead       = "#!AMR\n"
	voiceFrameTime  = 20 * time.Millisecond
)

// upload is a file in a request.
type upload struct {
	name   string
	data   []byte
	fields map[string]string // the parts before and after the file, at most maxUploadFields
}

// readUpload finds the part named media in a multipart body.
func readUpload(contentType string, body []byte) (upload, *failure) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return upload{}, refuse(codeNoMedia, "media data missing, want multipart/form-data")
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	found := upload{fields: map[string]string{}}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) && found.data != nil {
			return found, nil
		}
		if err != nil {
			return upload{}, refuse(codeNoMedia, "media data missing, want a part named media")
		}
		data, err := io.ReadAll(part)
		switch {
		case part.FormName() != "media" && len(found.fields) < maxUploadFields:
			found.fields[part.FormName()] = string(data)
		case part.FormName() != "media":
		case err != nil || len(data) == 0:
			return upload{}, refuse(codeEmptyMedia, "empty media data")
		default:
			found.name, found.data = part.FileName(), data
		}
	}
}

// checkFormat refuses what is not in the format of its kind: JPEG or PNG, AMR of at most a
// minute, MP4. Files may be anything. The platform may look at the name only; this looks
// inside, so that a file passing here passes there.
func (u upload) checkFormat(kind string) *failure {
	switch kind {
	case "image":
		found := http.DetectContentType(u.data)
		if found != "image/jpeg" && found != "image/png" {
			return refuse(codeBadFormat, "invalid file type: want JPG or PNG")
		}
		if _, _, err := image.DecodeConfig(bytes.NewReader(u.data)); err != nil {
			return refuse(codeBadImage, "invalid image")
		}
	case "voice":
		length, ok := voiceLength(u.data)
		if !ok {
			return refuse(codeBadFormat, "invalid file type: want AMR")
		}
		if length > maxVoice {
			return refuse(codeVoiceLong, "playtime out of limit")
		}
	case "video":
		if http.DetectContentType(u.data) != "video/mp4" {
			return refuse(codeBadFormat, "invalid file type: want MP4")
		}
	}
	return nil
}

// checkMoment refuses pictures and videos that are too large to be shown in a moment.
func (u upload) checkMoment(kind, purpose string) *failure {
	if purpose != purposeMoment {
		return nil
	}
	switch kind {
	case "image":
		size, _, err := image.DecodeConfig(bytes.NewReader(u.data))
		if err == nil && size.Width*size.Height > momentPixels {
			return refuse(codeAttachPixels, "image resolution out of limit: want at most %d pixels", momentPixels)
		}
	case "video":
		if length, ok := videoLength(u.data); ok && length > momentVideo {
			return refuse(codeAttachSeconds, "video duration out of limit: want at most %v", momentVideo)
		}
	}
	return nil
}

// voiceLength is how long an AMR file plays: each frame is 20 ms, its size depends on the
// mode in its first byte.
func voiceLength(data []byte) (time.Duration, bool) {
	if !bytes.HasPrefix(data, []byte(voiceHead)) {
		return 0, false
	}
	sizes := [16]int{13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1}
	frames := 0
	for at := len(voiceHead); at < len(data); at += sizes[data[at]>>3&15] {
		frames++
	}
	return time.Duration(frames) * voiceFrameTime, true
}

// videoLength is how long an MP4 file plays, from the box mvhd inside the box moov.
func videoLength(data []byte) (time.Duration, bool) {
	moov, ok := mp4Box(data, "moov")
	if !ok {
		return 0, false
	}
	head, ok := mp4Box(moov, "mvhd")
	if !ok || len(head) < 20 || head[0] == 1 && len(head) < 32 {
		return 0, false
	}
	scale, units := uint64(binary.BigEndian.Uint32(head[12:])), uint64(binary.BigEndian.Uint32(head[16:]))
	if head[0] == 1 { // with times of 64 bits
		scale, units = uint64(binary.BigEndian.Uint32(head[20:])), binary.BigEndian.Uint64(head[24:])
	}
	if scale == 0 {
		return 0, false
	}
	const day = 24 * 60 * 60
	return time.Duration(min(units/scale, day)) * time.Second, true
}

// mp4Box returns what is inside the first box of a kind.
func mp4Box(data []byte, kind string) ([]byte, bool) {
	for len(data) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		if size == 1 && len(data) >= 16 {
			size, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size == 0 {
			size = uint64(len(data)) // up to the end
		}
		if size < head || size > uint64(len(data)) {
			return nil, false
		}
		if string(data[4:8]) == kind {
			return data[head:size], true
		}
		data = data[size:]
	}
	return nil, false
}

// hangPicture keeps an image and returns its address.
func (s *Sandbox) hangPicture(data []byte) string {
	m := &s.media
	m.images = append(m.images, data)
	m.imageBytes += len(data)
	for ; m.imageBytes > maxShelfBytes; m.firstImage++ {
		m.imageBytes -= len(m.images[m.firstImage])
		m.images[m.firstImage] = nil
	}
	return s.cfg.PublicURL + picturePath + strconv.Itoa(len(m.images)) + "/0"
}

// servePicture answers an image of uploadimg.
func (s *Sandbox) servePicture(w http.ResponseWriter, r *http.Request) {
	number, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, picturePath), "/")
	n, err := strconv.Atoi(number)
	data := s.pictureData(n)
	if err != nil || data == nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (s *Sandbox) pictureData(n int) []byte {
	s.enter()
	defer s.leave()
	if n < 1 || n > len(s.media.images) {
		return nil
	}
	return s.media.images[n-1]
}

// serve answers a file as media/get does, whole or the range that was asked for.
func (f *mediaFile) serve(w http.ResponseWriter, r *http.Request) {
	kind := http.DetectContentType(f.data)
	if f.Type == "voice" {
		kind = "audio/amr"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}
