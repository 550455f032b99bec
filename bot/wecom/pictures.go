package wecom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Limits of a picture.
const (
	maxPicture     = 2 << 20 // bytes
	pictureTimeout = 5 * time.Second
	pictureHops    = 3
)

// Picture reads a picture of WeCom's, such as a code's qr_code. It needs no token, and none is
// sent: pictures lie on other hosts.
func (c *Client) Picture(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	data, err := c.picture(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("read the picture of a code: %w", hideAddress(err))
	}
	return data, nil
}

func (c *Client) picture(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if s := req.URL.Scheme; s != "https" && s != "http" {
		return nil, fmt.Errorf("its address begins with %q", s)
	}
	resp, err := c.pictures.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxPicture+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxPicture:
		return nil, fmt.Errorf("it has more than %d bytes", maxPicture)
	}
	switch kind := http.DetectContentType(data); kind {
	case "image/png", "image/jpeg":
		return data, nil
	default:
		return nil, fmt.Errorf("it is %s, want a PNG or JPEG", kind)
	}
}

// newPictures makes the client that reads pictures.
func newPictures(rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > pictureHops {
			return errors.New("it leads from one address to the next")
		}
		return nil
	}}
}

// hideAddress keeps what is wrong and drops the address, which lets anybody into a group.
func hideAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
