package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"xiaobu/bot"
)

const (
	// mediaLife is how long WeCom keeps what was uploaded.
	mediaLife = 3 * 24 * time.Hour
	// maxUpload bounds a request with a file, in bytes.
	maxUpload = 20<<20 + 64<<10
	// uploadTimeout bounds one upload with its repetitions: 20 MiB take their time.
	uploadTimeout = 25 * time.Second
)

// UploadMedia hands a file over for three days. The SDK reads files from disk or guesses at
// their names, so this call goes past it.
// https://developer.work.weixin.qq.com/document/path/90253
func (c *Client) UploadMedia(ctx context.Context, f bot.File) (string, time.Duration, error) {
	switch f.Type {
	case bot.AttachImage, bot.AttachVideo, bot.AttachFile:
	default:
		return "", 0, refused(opUpload, fmt.Sprintf("no type of file %q", f.Type))
	}
	if err := c.limits.closed(opUpload); err != nil {
		return "", 0, err
	}
	body, kind, err := uploadOf(f)
	if err != nil {
		return "", 0, refused(opUpload, "not a file")
	}
	u := c.root.JoinPath(apiRoot, opUpload)
	u.RawQuery = url.Values{"type": {string(f.Type)}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return "", 0, refused(opUpload, "not a request")
	}
	req.Header.Set("Content-Type", kind)
	resp, err := c.line.RoundTrip(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		ID string `json:"media_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", 0, refused(opUpload, "answer of an unknown shape")
	}
	return answer.ID, mediaLife, missing(opUpload, "media_id", answer.ID)
}

// uploadOf writes a file as the one part of a form. WeCom takes the name as it is, in UTF-8,
// and not in the encoding of RFC 2231.
func uploadOf(f bot.File) (body []byte, kind string, err error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	name := strings.NewReplacer("\\", "_", `"`, "_", "\r", "_", "\n", "_").Replace(f.Name)
	head := textproto.MIMEHeader{}
	head.Set("Content-Disposition", fmt.Sprintf(`form-data; name="media"; filename="%s"; filelength=%d`, name, len(f.Data)))
	head.Set("Content-Type", "application/octet-stream")
	part, err := form.CreatePart(head)
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(f.Data); err != nil {
		return nil, "", err
	}
	if err := form.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), form.FormDataContentType(), nil
}
