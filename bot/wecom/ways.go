package wecom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"
	groupchat "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/groupChat/request"

	"xiaobu/bot"
)

// Limits of codes, in characters.
const (
	maxWayChats  = 5
	maxState     = 30
	maxRemark    = 30
	maxGroupName = 40
)

// sceneQR makes a code that is a picture, not a button of a mini-program.
const sceneQR = 2

// firstRoom is the number of the first group that WeCom opens by itself.
const firstRoom = 1

// joinWayWire is a group code as WeCom writes it.
type joinWayWire struct {
	ConfigID   string       `json:"config_id,omitempty"`
	Scene      int          `json:"scene"`
	Remark     string       `json:"remark,omitempty"`
	AutoCreate int          `json:"auto_create_room"` // always said: WeCom's default is yes
	BaseName   string       `json:"room_base_name,omitempty"`
	BaseID     int          `json:"room_base_id,omitempty"`
	Chats      []bot.ChatID `json:"chat_id_list"`
	State      string       `json:"state,omitempty"`
	MarkSource bool         `json:"mark_source"`
}

func joinWayOf(op string, w bot.JoinWay) (joinWayWire, error) {
	if len(w.Chats) == 0 || len(w.Chats) > maxWayChats {
		return joinWayWire{}, refused(op, fmt.Sprintf("%d groups, wants 1 to %d", len(w.Chats), maxWayChats))
	}
	if utf8.RuneCountInString(w.State) > maxState {
		return joinWayWire{}, refused(op, fmt.Sprintf("state of more than %d characters", maxState))
	}
	wire := joinWayWire{ConfigID: w.ConfigID, Scene: sceneQR, Remark: cutRunes(w.Remark, maxRemark),
		Chats: w.Chats, State: w.State, MarkSource: true}
	if w.AutoCreate {
		wire.AutoCreate, wire.BaseName, wire.BaseID = 1, cutRunes(w.BaseName, maxGroupName), firstRoom
	}
	return wire, nil
}

// AddJoinWay makes a group code and returns its config id; JoinWay reads its picture.
// https://developer.work.weixin.qq.com/document/path/92229
func (c *Client) AddJoinWay(ctx context.Context, w bot.JoinWay) (string, error) {
	w.ConfigID = ""
	wire, err := joinWayOf(opJoinWayAdd, w)
	if err != nil {
		return "", err
	}
	var answer struct {
		ConfigID string `json:"config_id"`
	}
	if err := c.post(ctx, opJoinWayAdd, wire, &answer); err != nil {
		return "", err
	}
	return answer.ConfigID, missing(opJoinWayAdd, "config_id", answer.ConfigID)
}

// JoinWay reads a group code.
// https://developer.work.weixin.qq.com/document/path/92229
func (c *Client) JoinWay(ctx context.Context, configID string) (bot.JoinWay, error) {
	raw, err := c.readWay(ctx, opJoinWayGet, keyJoinWay, configID)
	if err != nil {
		return bot.JoinWay{}, err
	}
	return joinWay(raw, configID)
}

func joinWay(raw rawWay, configID string) (bot.JoinWay, error) {
	var w struct {
		Remark     string       `json:"remark"`
		AutoCreate number       `json:"auto_create_room"`
		BaseName   string       `json:"room_base_name"`
		Chats      []bot.ChatID `json:"chat_id_list"`
		State      string       `json:"state"`
		QRCode     string       `json:"qr_code"`
	}
	if err := raw.decode(&w); err != nil {
		return bot.JoinWay{}, err
	}
	return bot.JoinWay{ConfigID: configID, Remark: w.Remark, Chats: w.Chats, State: w.State,
		AutoCreate: w.AutoCreate == 1, BaseName: w.BaseName, QRCode: w.QRCode}, nil
}

// ChangeJoinWay changes some of a group code. WeCom overwrites all of it, so all that it
// shows goes back with the change.
// https://developer.work.weixin.qq.com/document/path/92229
func (c *Client) ChangeJoinWay(ctx context.Context, configID string, change func(*bot.JoinWay)) (bot.JoinWay, error) {
	raw, err := c.changeWay(ctx, wayCalls{opJoinWayGet, opJoinWaySet, keyJoinWay}, configID, func(raw rawWay) (map[string]any, error) {
		was, err := joinWay(raw, configID)
		if err != nil {
			return nil, err
		}
		w := was
		w.Chats = slices.Clone(was.Chats)
		change(&w)
		if _, err := joinWayOf(opJoinWaySet, w); err != nil {
			return nil, err
		}
		return joinWayChange(raw, was, w), nil
	})
	if err != nil {
		return bot.JoinWay{}, err
	}
	return joinWay(raw, configID)
}

// joinWayChange lists the fields that differ. The order of the groups is WeCom's business.
func joinWayChange(raw rawWay, was, w bot.JoinWay) map[string]any {
	out := map[string]any{}
	sorted := func(ids []bot.ChatID) []bot.ChatID { return slices.Sorted(slices.Values(ids)) }
	if !slices.Equal(sorted(was.Chats), sorted(w.Chats)) {
		out["chat_id_list"] = w.Chats
	}
	if base := cutRunes(w.BaseName, maxGroupName); base != was.BaseName {
		out["room_base_name"] = base
	}
	if w.AutoCreate != was.AutoCreate {
		out["auto_create_room"] = 0
		if w.AutoCreate {
			out["auto_create_room"] = 1
		}
		var has struct {
			BaseID number `json:"room_base_id"`
		}
		if err := raw.decode(&has); w.AutoCreate && (err != nil || has.BaseID == 0) {
			out["room_base_id"] = firstRoom
		}
	}
	return out
}

// DeleteJoinWay makes a group code useless.
// https://developer.work.weixin.qq.com/document/path/92229
func (c *Client) DeleteJoinWay(ctx context.Context, configID string) error {
	return c.do(ctx, opJoinWayDel, func(w *work.Work) error {
		_, err := w.ExternalContactGroupChat.DelJoinWay(ctx, &groupchat.RequestDelJoinWay{ConfigId: configID})
		return err
	})
}

// configWire asks for a code by its id.
type configWire struct {
	ConfigID string `json:"config_id"`
}

// Of a staff code: for one person, and customers need not wait to be accepted.
const wayForOne = 1

// AddContactWay makes a staff code and returns its config id and picture.
// https://developer.work.weixin.qq.com/document/path/92572
func (c *Client) AddContactWay(ctx context.Context, w bot.ContactWay) (configID, qrCode string, err error) {
	if err := checkContactWay(opContactWayAdd, w); err != nil {
		return "", "", err
	}
	request := struct {
		Type       int          `json:"type"`
		Scene      int          `json:"scene"`
		Remark     string       `json:"remark,omitempty"`
		SkipVerify bool         `json:"skip_verify"`
		State      string       `json:"state,omitempty"`
		Users      []bot.UserID `json:"user"`
		Exclusive  bool         `json:"is_exclusive"`
		MarkSource bool         `json:"mark_source"`
	}{wayForOne, sceneQR, cutRunes(w.Remark, maxRemark), true, w.State, []bot.UserID{w.User}, false, true}
	var answer struct {
		ConfigID string `json:"config_id"`
		QRCode   string `json:"qr_code"`
	}
	if err := c.post(ctx, opContactWayAdd, request, &answer); err != nil {
		return "", "", err
	}
	return answer.ConfigID, answer.QRCode, missing(opContactWayAdd, "config_id", answer.ConfigID)
}

func checkContactWay(op string, w bot.ContactWay) error {
	if w.User == "" || utf8.RuneCountInString(w.State) > maxState {
		return refused(op, fmt.Sprintf("wants a user, and a state of at most %d characters", maxState))
	}
	return nil
}

// ContactWay reads a staff code.
// https://developer.work.weixin.qq.com/document/path/92572
func (c *Client) ContactWay(ctx context.Context, configID string) (bot.ContactWay, error) {
	raw, err := c.readWay(ctx, opContactWayGet, keyContactWay, configID)
	if err != nil {
		return bot.ContactWay{}, err
	}
	return contactWay(raw, configID)
}

func contactWay(raw rawWay, configID string) (bot.ContactWay, error) {
	var way struct {
		Remark string       `json:"remark"`
		State  string       `json:"state"`
		QRCode string       `json:"qr_code"`
		Users  []bot.UserID `json:"user"`
	}
	if err := raw.decode(&way); err != nil {
		return bot.ContactWay{}, err
	}
	w := bot.ContactWay{ConfigID: configID, Remark: way.Remark, State: way.State, QRCode: way.QRCode}
	if len(way.Users) > 0 {
		w.User = way.Users[0]
	}
	return w, nil
}

// ChangeContactWay makes a staff code lead to another member of staff. Whether WeCom keeps
// what an update leaves out is not documented for every field, so all that it shows goes back.
// https://developer.work.weixin.qq.com/document/path/92572
func (c *Client) ChangeContactWay(ctx context.Context, configID string, user bot.UserID) (bot.ContactWay, error) {
	raw, err := c.changeWay(ctx, wayCalls{opContactWayGet, opContactWaySet, keyContactWay}, configID, func(raw rawWay) (map[string]any, error) {
		was, err := contactWay(raw, configID)
		if err != nil || strings.EqualFold(string(was.User), string(user)) {
			return nil, err
		}
		was.User = user
		return map[string]any{"user": []bot.UserID{user}}, checkContactWay(opContactWaySet, was)
	})
	if err != nil {
		return bot.ContactWay{}, err
	}
	return contactWay(raw, configID)
}

// DeleteContactWay makes a staff code useless.
// https://developer.work.weixin.qq.com/document/path/92572
func (c *Client) DeleteContactWay(ctx context.Context, configID string) error {
	return c.do(ctx, opContactWayDel, func(w *work.Work) error {
		_, err := w.ExternalContactContactWay.Delete(ctx, configID)
		return err
	})
}
