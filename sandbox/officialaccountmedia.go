package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	keepAccountBytes = 64 << 20 // of all files together; the bytes of the oldest are forgotten
	keepAccountFiles = 200_000  // the oldest that is no material is forgotten
	materialPage     = 20
	accountFilePath  = "/mmbiz/"
	articleImage     = "article" // kind of what uploadimg keeps
	maxImages        = 100_000   // material of kind image
	maxMaterial      = 1_000     // material of each other kind

	codeAccountMedia  = 40004
	codeAccountFormat = 40005
	codeAccountImage  = 40009
	codeAccountVoice  = 40010
	codeAccountVideo  = 40011
	codeAccountThumb  = 40012
	codeMaterialCount = 45028
)

// accountFile is a file of the account, temporary or kept for ever. The outside sees pictures
// and videos below accountFilePath.
type accountFile struct {
	id, kind, name string
	data           []byte
	title, words   string // of a video
	at             time.Time
	kept           bool // material
}

// accountFiles are the files of the account, oldest first.
type accountFiles struct {
	all   []*accountFile
	byID  map[string]*accountFile
	bytes int
}

func accountMediaAPIs() map[string]api {
	file := func(do func(*call) (reply, *failure)) api {
		return api{method: http.MethodPost, token: accountCall, upload: true, do: do}
	}
	return map[string]api{
		"media/upload":               file(uploadAccountMedia),
		"media/uploadimg":            file(uploadAccountImage),
		"media/get":                  accountAsked(getAccountMedia),
		"material/add_material":      file(addMaterial),
		"material/get_material":      accountWrite(getMaterial),
		"material/del_material":      accountWrite(deleteMaterial),
		"material/get_materialcount": accountAsked(countMaterial),
		"material/batchget_material": accountWrite(listMaterial),
	}
}

// file reports whether an id is a file of a kind that can be sent at a time.
func (a *account) file(id, kind string, now time.Time) bool {
	f := a.files.byID[id]
	return f != nil && f.kind == kind && (f.kept || now.Sub(f.at) < mediaLife)
}

// isMaterial reports whether an id is a file that is kept for ever and can be sent.
func (a *account) isMaterial(id string) bool {
	f := a.files.byID[id]
	return f != nil && f.kept && f.kind != articleImage
}

// add keeps a file. The bytes of the oldest files go when there are too many of them.
func (a *accountFiles) add(f *accountFile) {
	a.all, a.byID[f.id] = append(a.all, f), f
	a.bytes += len(f.data)
	for i := 0; i < len(a.all) && a.bytes > keepAccountBytes; i++ {
		if a.all[i] != f {
			a.bytes -= len(a.all[i].data)
			a.all[i].data = nil
		}
	}
	if len(a.all) > keepAccountFiles {
		i := slices.IndexFunc(a.all, func(old *accountFile) bool { return !old.kept || old.kind == articleImage })
		a.bytes -= len(a.all[i].data)
		delete(a.byID, a.all[i].id)
		a.all = slices.Delete(a.all, i, i+1)
	}
}

func (a *accountFiles) count(kind string) int {
	n := 0
	for _, f := range a.all {
		if f.kept && f.kind == kind {
			n++
		}
	}
	return n
}

// answer is the file as a call answers it.
func (f *accountFile) answer() *mediaFile {
	return &mediaFile{Media: Media{Type: f.kind, Name: f.name}, data: f.data}
}

// accountMediaBytes is the most that a kind of file may have.
func accountMediaBytes(kind string) int {
	return map[string]int{"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, thumbMedia: 64 << 10}[kind]
}

// readFile checks the uploaded file.
func (c *call) readFile(kind string) (*accountFile, *failure) {
	most, data := accountMediaBytes(kind), c.file.data
	var format bool
	code := 0
	switch kind {
	case "image":
		code, format = codeAccountImage, strings.HasPrefix(http.DetectContentType(data), "image/")
	case "voice":
		code, format = codeAccountVoice, isAMR(data) || isMP3(data)
	case "video":
		code, format = codeAccountVideo, http.DetectContentType(data) == "video/mp4"
	case thumbMedia:
		code, format = codeAccountThumb, http.DetectContentType(data) == "image/jpeg"
	default:
		return nil, refuse(codeAccountMedia, "invalid media type")
	}
	switch {
	case len(data) > most:
		return nil, refuse(code, "invalid %s size: at most %d bytes", kind, most)
	case !format:
		return nil, refuse(codeAccountFormat, "invalid file type")
	}
	return &accountFile{
		kind: kind, name: c.file.name, data: data, at: c.now,
		id: c.s.dice.draw("account media", alphabetID+"_-", 64),
	}, nil
}

func isAMR(data []byte) bool { return strings.HasPrefix(string(data), voiceHead) }

func isMP3(data []byte) bool {
	return strings.HasPrefix(string(data), "ID3") || len(data) > 1 && data[0] == 0xFF && data[1]&0xE0 == 0xE0
}

// uploadAccountMedia keeps a file for three days.
// See https://developers.weixin.qq.com/doc/service/api/material/temporary/api_uploadtempmedia.html
func uploadAccountMedia(c *call) (reply, *failure) {
	f, refused := c.readFile(c.query.Get("type"))
	if refused != nil {
		return nil, refused
	}
	c.s.account.files.add(f)
	id := "media_id"
	if f.kind == thumbMedia {
		id = "thumb_media_id"
	}
	return reply{"type": f.kind, id: f.id, "created_at": c.now.Unix()}, nil
}

// uploadAccountImage keeps an image for ever and answers its address.
// See https://developers.weixin.qq.com/doc/service/api/material/permanent/api_uploadimage.html
func uploadAccountImage(c *call) (reply, *failure) {
	if len(c.file.data) > 1<<20 {
		return nil, refuse(codeAccountImage, "invalid image size: at most 1 MB")
	}
	if kind := http.DetectContentType(c.file.data); kind != "image/png" && kind != "image/jpeg" {
		return nil, refuse(codeAccountFormat, "invalid file type")
	}
	f := &accountFile{
		kind: articleImage, name: c.file.name, data: c.file.data, at: c.now, kept: true,
		id: c.s.dice.draw("account media", alphabetID+"-_", 64),
	}
	c.s.account.files.add(f)
	return reply{"url": c.s.fileURL(f)}, nil
}

func (s *Sandbox) fileURL(f *accountFile) string { return s.cfg.PublicURL + accountFilePath + f.id }

// serveAccountFile answers a file at the address that fileURL gave it.
func (s *Sandbox) serveAccountFile(w http.ResponseWriter, r *http.Request) {
	f := s.accountFile(strings.TrimPrefix(r.URL.Path, accountFilePath))
	if f == nil {
		http.NotFound(w, r)
		return
	}
	f.serve(w, r)
}

func (s *Sandbox) accountFile(id string) *mediaFile {
	now := s.enter()
	defer s.leave()
	f := s.account.files.byID[id]
	if f == nil || f.data == nil || !f.kept && now.Sub(f.at) >= mediaLife {
		return nil
	}
	return f.answer()
}

// sentFile keeps a file that a person sent, whose contents are made up.
func (s *Sandbox) sentFile(now time.Time, kind string) *accountFile {
	f := &accountFile{id: s.dice.draw("account media", alphabetID+"_-", 64), kind: kind, at: now}
	f.data, f.name = Picture(f.id), "image.png"
	if kind == "voice" {
		f.data, f.name = []byte(voiceHead), "voice.amr"
	}
	s.account.files.add(f)
	return f
}

// getAccountMedia answers the bytes of a temporary file, or the address of a video.
// See https://developers.weixin.qq.com/doc/service/api/material/temporary/api_getmedia.html
func getAccountMedia(c *call) (reply, *failure) {
	f := c.s.account.files.byID[c.query.Get("media_id")]
	if f == nil || f.kept || c.now.Sub(f.at) >= mediaLife || f.data == nil {
		return nil, refuse(codeBadMediaID, "invalid media_id")
	}
	if f.kind == "video" {
		return reply{"video_url": c.s.fileURL(f)}, nil
	}
	c.out = f.answer()
	return nil, nil
}

// addMaterial keeps a file for ever. A video wants a part named description with title and
// introduction.
// See https://developers.weixin.qq.com/doc/service/api/material/permanent/api_addmaterial.html
func addMaterial(c *call) (reply, *failure) {
	f, refused := c.readFile(c.query.Get("type"))
	if refused != nil {
		return nil, refused
	}
	f.kept = true
	most := maxMaterial
	if f.kind == "image" {
		most = maxImages
	}
	if c.s.account.files.count(f.kind) >= most {
		return nil, refuse(codeMaterialCount, "has no masssend quota or material count out of limit")
	}
	out := reply{"media_id": f.id}
	switch f.kind {
	case "video":
		var about struct{ Title, Introduction string }
		if err := json.Unmarshal([]byte(c.file.fields["description"]), &about); err != nil || about.Title == "" {
			return nil, refuse(codeDataFormat, "data format error: description must be an object with a title")
		}
		f.title, f.words = about.Title, about.Introduction
	case "image", thumbMedia:
		out["url"] = c.s.fileURL(f)
	}
	c.s.account.files.add(f)
	return out, nil
}

// material reads media_id, which must be a file that is kept for ever.
func (c *call) material() (*accountFile, *failure) {
	id := c.in.text("media_id")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if !c.s.account.isMaterial(id) {
		return nil, refuse(codeBadMediaID, "invalid media_id")
	}
	return c.s.account.files.byID[id], nil
}

// getMaterial answers the bytes of a file, or what is known of a video.
// See https://developers.weixin.qq.com/doc/service/api/material/permanent/api_getmaterial.html
func getMaterial(c *call) (reply, *failure) {
	f, refused := c.material()
	if refused != nil {
		return nil, refused
	}
	if f.kind == "video" {
		return reply{"title": f.title, "description": f.words, "down_url": c.s.fileURL(f)}, nil
	}
	if f.data == nil {
		return nil, refuse(codeBadMediaID, "invalid media_id")
	}
	c.out = f.answer()
	return nil, nil
}

// deleteMaterial takes a file away.
// See https://developers.weixin.qq.com/doc/service/api/material/permanent/api_delmaterial.html
func deleteMaterial(c *call) (reply, *failure) {
	f, refused := c.material()
	if refused != nil {
		return nil, refused
	}
	files := &c.s.account.files
	files.all = slices.DeleteFunc(files.all, func(other *accountFile) bool { return other == f })
	files.bytes -= len(f.data)
	delete(files.byID, f.id)
	return nil, nil
}

// countMaterial answers how many files are kept for ever.
// See https://developers.weixin.qq.com/doc/service/api/material/permanent/api_getmaterialcount.html
func countMaterial(c *call) (reply, *failure) {
	f := &c.s.account.files
	return reply{
		"voice_count": f.count("voice"), "video_count": f.count("video"), "image_count": f.count("image"), "news_count": 0,
	}, nil
}

// listMaterial answers the files of a kind, the newest first.
// See https://developers.weixin.qq.com/doc/service/api/material/permanent/api_batchgetmaterial.html
func listMaterial(c *call) (reply, *failure) {
	kind, offset, count := c.in.text("type"), c.in.number("offset", 0), c.in.number("count", 0)
	if accountMediaBytes(kind) == 0 && kind != "news" {
		c.in.bad(codeAccountMedia, "invalid media type: type")
	}
	if offset < 0 {
		c.in.bad(codeBadArgs, "invalid args: offset must not be negative")
	}
	if count < 1 || count > materialPage {
		c.in.bad(codeBadArgs, "invalid args: count must be from 1 to %d", materialPage)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	items, total := []reply{}, 0
	for _, f := range slices.Backward(c.s.account.files.all) {
		if !f.kept || f.kind != kind {
			continue
		}
		if total >= int(offset) && len(items) < int(count) {
			items = append(items, reply{"media_id": f.id, "name": f.name, "update_time": f.at.Unix(), "url": c.s.fileURL(f)})
		}
		total++
	}
	return reply{"total_count": total, "item_count": len(items), "item": items}, nil
}
