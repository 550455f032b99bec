package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// maxRobotText bounds a robot's text, in bytes.
const maxRobotText = 2048

// robotKeys is what keys look like: hexadecimal with dashes, as far as is known.
var robotKeys = regexp.MustCompile(`^[A-Za-z0-9-]{16,64}$`)

// RobotKey reads a key, or the address that WeCom shows for a robot. An address elsewhere is
// refused: robots are only asked where the client's other calls go.
func (c *Client) RobotKey(copied string) (string, error) {
	key := strings.TrimSpace(copied)
	if strings.Contains(key, "/") {
		u, err := url.Parse(key)
		if err != nil || u.Host == "" || !strings.HasSuffix(u.Path, "/"+apiRoot+opRobot) || u.Query().Get("key") == "" {
			return "", errors.New("is no address of a robot; want one such as " + DefaultBaseURL + "/" + apiRoot + opRobot + "?key=…")
		}
		if standard := strings.TrimPrefix(DefaultBaseURL, "https://"); u.Host != standard && u.Host != c.root.Host {
			return "", errors.New("is an address at " + u.Host + "; robots are asked at " + c.root.Host + " only")
		}
		key = u.Query().Get("key")
	}
	if !robotKeys.MatchString(key) {
		return "", errors.New("is no key of a robot; want 16 to 64 letters, digits and dashes, or the address that WeCom shows for the robot")
	}
	return key, nil
}

// PostRobot says a text in the group of a robot; what is beyond 2,048 bytes is cut. It needs
// no token, and there is no asking what became of a post that was cut off. The SDK would send
// every kind of message at once, so this call goes past it.
// https://developer.work.weixin.qq.com/document/path/99110
func (c *Client) PostRobot(ctx context.Context, key, text string) error {
	if !robotKeys.MatchString(key) {
		return refused(opRobot, "no key of a robot")
	}
	if err := c.limits.takeRobot(opRobot, key); err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		MsgType string   `json:"msgtype"`
		Text    textWire `json:"text"`
	}{"text", textWire{cutBytes(text, maxRobotText)}})
	if err != nil {
		return err
	}
	u := c.root.JoinPath(apiRoot, opRobot)
	u.RawQuery = url.Values{"key": {key}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return refused(opRobot, "not a request")
	}
	resp, err := c.line.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
