package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	mediaLife     = 3 * 24 * time.Hour
	minMediaBytes = 5
	imagesADay    = 1000 // through uploadimg
	imagesAMonth  = 3000
	maxShelfBytes = 256 << 20 // of all files, and of all images; the oldest bytes are forgotten

	codeBadMediaType = 40005
	codeMediaSize    = 40006
	codeImageSize    = 40009
	codeVideoSize    = 40011
	codeEmptyMedia   = 44001
	codeMediaTooBig  = 45001

	// Of 41080 to 41082 it is published that they are about the size and the format of an
	// attachment, not which is which.
	codeAttachPixels  = 41080
	codeAttachSeconds = 41081
	codeAttachSize    = 41082
)

// What a media_id may be used for.
const (
	purposeMessage = "message" // media/upload: messages, welcomes, mass messages
	purposeMoment  = "moment"  // media/upload_attachment with attachment_type 1
	purposeAlbum   = "album"   // the same with 2
	purposeRobot   = "robot"   // webhook/upload_media, for one robot only
	purposeClient  = "client"  // from a member's phone: it can only be fetched
)

// Media is an uploaded file that can be used for three days.
type Media struct {
	MediaID string
	Type    string // image, voice, video or file
	// Purpose says where it can be used: message (media/upload), moment and album
	// (media/upload_attachment), robot (webhook/upload_media), client (sent by staff).
	Purpose    string
	Name       string
	Size       int // bytes
	UploadedAt time.Time
}

// mediaFile is a Media with what is in it.
type mediaFile struct {
	Media
	data  []byte // nil when it was forgotten
	robot string // key of the robot it was uploaded for
}

// mediaShelf are all uploads.
type mediaShelf struct {
	all        []*mediaFile
	byID       map[string]*mediaFile
	bytes      int      // kept in all files together
	kept       int      // index of the first file whose bytes are kept
	images     [][]byte // of uploadimg; nil when it was forgotten
	imageBytes int
	firstImage int // index of the first image that is kept
	perDay     dayCount
	perMonth   dayCount // images through uploadimg
}

func newMediaShelf() mediaShelf {
	return mediaShelf{byID: map[string]*mediaFile{}}
}

// has reports whether a media_id can be used as a kind for a purpose at a time.
func (m *mediaShelf) has(id, kind, purpose string, now time.Time) bool {
	f := m.byID[id]
	return f != nil && f.Type == kind && f.Purpose == purpose && f.fresh(now)
}

func (f *mediaFile) fresh(now time.Time) bool { return now.Sub(f.UploadedAt) < mediaLife }

// put keeps a file and forgets the bytes of the oldest when there are too many.
func (s *Sandbox) putMedia(now time.Time, u upload, kind, purpose string) *mediaFile {
	m := &s.media
	f := &mediaFile{data: u.data, Media: Media{
		MediaID: s.dice.draw("media", alphabetID, 44), Type: kind, Purpose: purpose,
		Name: u.name, Size: len(u.data), UploadedAt: now,
	}}
	m.all, m.byID[f.MediaID] = append(m.all, f), f
	m.bytes += len(f.data)
	for m.kept < len(m.all)-1 && (m.bytes > maxShelfBytes || !m.all[m.kept].fresh(now)) {
		m.bytes -= len(m.all[m.kept].data)
		m.all[m.kept].data = nil
		m.kept++
	}
	return f
}

// Uploads returns the uploaded files, oldest first.
func (s *Sandbox) Uploads() []Media {
	s.enter()
	defer s.leave()
	out := make([]Media, 0, len(s.media.all))
	for _, f := range s.media.all {
		out = append(out, f.Media)
	}
	return out
}

func mediaAPIs() map[string]api {
	file := func(do func(*call) (reply, *failure)) api {
		return api{method: http.MethodPost, token: appToken, upload: true, do: do}
	}
	return map[string]api{
		"media/upload": file(uploadMedia), "media/uploadimg": file(uploadImage),
		"media/upload_attachment": file(uploadAttachment),
		"media/get":               read(getMedia), "media/get/jssdk": read(getVoice),
	}
}

// mediaBytes is the most that a kind of media may have.
func mediaBytes(kind string) int {
	switch kind {
	case "image", "video":
		return 10 << 20
	case "voice":
		return 2 << 20
	case "file":
		return 20 << 20
	}
	return 0
}

// checkSize refuses a file that is too small or too large for its kind.
func (u upload) checkSize(kind string) *failure {
	small, large := codeMediaSize, codeMediaTooBig
	switch kind {
	case "image":
		small, large = codeImageSize, codeImageSize
	case "video":
		small, large = codeVideoSize, codeVideoSize
	}
	switch {
	case len(u.data) <= minMediaBytes:
		return refuse(small, "invalid media size: want more than %d bytes", minMediaBytes)
	case len(u.data) > mediaBytes(kind):
		return refuse(large, "media size out of limit")
	}
	return nil
}

// uploadMedia keeps a file for three days.
// See https://developer.work.weixin.qq.com/document/path/90253
func uploadMedia(c *call) (reply, *failure) {
	return c.keepUpload(c.query.Get("type"), purposeMessage)
}

// keepUpload checks a file and keeps it for a purpose.
func (c *call) keepUpload(kind, purpose string) (reply, *failure) {
	if mediaBytes(kind) == 0 {
		return nil, refuse(codeBadMediaType, "invalid media type")
	}
	f := c.file.checkSize(kind)
	if f == nil {
		f = c.file.checkFormat(kind)
	}
	if f != nil {
		return nil, f
	}
	m := c.s.putMedia(c.now, c.file, kind, purpose)
	return reply{"type": kind, "media_id": m.MediaID, "created_at": strconv.FormatInt(c.now.Unix(), 10)}, nil
}

// uploadAttachment keeps a file for moments (attachment_type 1) or the album of goods (2). A
// file may be larger for messages than here.
// See https://developer.work.weixin.qq.com/document/path/95098
func uploadAttachment(c *call) (reply, *failure) {
	kind, purpose := c.query.Get("media_type"), ""
	switch c.query.Get("attachment_type") {
	case "1":
		purpose = purposeMoment
	case "2":
		purpose = purposeAlbum
	default:
		return nil, refuse(codeBadParam, "invalid Request Parameter: attachment_type must be 1 or 2")
	}
	if !slices.Contains([]string{"image", "video", "file"}, kind) || purpose == purposeAlbum && kind == "video" {
		return nil, refuse(codeBadMediaType, "invalid media type")
	}
	if len(c.file.data) > attachmentBytes {
		return nil, refuse(codeAttachSize, "attachment size out of limit")
	}
	if f := c.file.checkMoment(kind, purpose); f != nil {
		return nil, f
	}
	out, f := c.keepUpload(kind, purpose)
	if f == nil {
		out["created_at"] = c.now.Unix() // a number here, a string after media/upload
	}
	return out, f
}

// uploadImage keeps an image for ever and answers its address.
// See https://developer.work.weixin.qq.com/document/path/90256
func uploadImage(c *call) (reply, *failure) {
	f := c.file.checkSize("image")
	if f == nil {
		f = c.file.checkFormat("image")
	}
	if f != nil {
		return nil, f
	}
	m, month := &c.s.media, quotaMonth(c.now)
	if !m.perMonth.room(month, 1, imagesAMonth) || !m.perDay.pass(quotaDay(c.now), imagesADay) {
		return nil, refuse(codeTooMany, "reach max api daily quota limit")
	}
	m.perMonth.pass(month, imagesAMonth)
	return reply{"url": c.s.hangPicture(c.file.data)}, nil
}

// freshMedia returns the file that a call asks for.
func (c *call) freshMedia() (*mediaFile, *failure) {
	id := c.query.Get("media_id")
	if id == "" {
		return nil, refuse(codeNoMedia, "missing media_id")
	}
	f := c.s.media.byID[id]
	if f == nil || !f.fresh(c.now) || f.data == nil || f.Purpose == purposeRobot {
		return nil, refuse(codeBadMedia, "invalid media_id")
	}
	return f, nil
}

// getMedia answers the bytes of a file; the answer is not JSON unless it is a refusal.
// See https://developer.work.weixin.qq.com/document/path/90254
func getMedia(c *call) (reply, *failure) {
	f, refused := c.freshMedia()
	if refused != nil {
		return nil, refused
	}
	out := *f
	c.out = &out
	return nil, nil
}

// getVoice answers a voice message that a member recorded in the client.
// See https://developer.work.weixin.qq.com/document/path/90255
func getVoice(c *call) (reply, *failure) {
	f, refused := c.freshMedia()
	if refused == nil && (f.Type != "voice" || f.Purpose != purposeClient) {
		refused = refuse(codeBadMedia, "invalid media_id: not a voice of the client")
	}
	if refused != nil {
		return nil, refused
	}
	out := *f
	c.out = &out
	return nil, nil
}
