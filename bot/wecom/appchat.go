package wecom

import (
	"context"
	"fmt"
	"slices"

	"github.com/ArtisanCloud/PowerLibs/v3/object"

	"xiaobu/bot"
)

// Limits of app chats.
const (
	maxAppChatName  = 50 // characters
	minAppChatUsers = 2
	maxAppChatUsers = 500
)

// CreateAppChat makes an internal chat. With an id of one's own it may be made again: the
// same chat is found, another one under that id is an error.
// https://developer.work.weixin.qq.com/document/path/90245
func (c *Client) CreateAppChat(ctx context.Context, chat bot.AppChat) (string, error) {
	if n := len(chat.Users); n < minAppChatUsers || n > maxAppChatUsers {
		return "", refused(opAppChatCreate, fmt.Sprintf("%d users, wants %d to %d", n, minAppChatUsers, maxAppChatUsers))
	}
	request := struct {
		Name  string       `json:"name,omitempty"`
		Owner bot.UserID   `json:"owner,omitempty"`
		Users []bot.UserID `json:"userlist"`
		ID    string       `json:"chatid,omitempty"`
	}{cutRunes(chat.Name, maxAppChatName), chat.Owner, chat.Users, chat.ID}
	var answer struct {
		ID string `json:"chatid"`
	}
	err := c.post(ctx, opAppChatCreate, request, &answer)
	if isCode(err, codeAppChatExists) && chat.ID != "" {
		return c.sameAppChat(ctx, chat, err)
	}
	if err != nil {
		return "", err
	}
	return answer.ID, missing(opAppChatCreate, "chatid", answer.ID)
}

// sameAppChat returns the id of a chat that exists already if it is the wanted one, else
// the refusal.
func (c *Client) sameAppChat(ctx context.Context, want bot.AppChat, refusal error) (string, error) {
	have, err := c.AppChat(ctx, want.ID)
	if err != nil {
		return "", err
	}
	for _, user := range want.Users {
		if !slices.Contains(have.Users, user) {
			return "", refusal
		}
	}
	if have.Name != cutRunes(want.Name, maxAppChatName) {
		return "", refusal
	}
	return want.ID, nil
}

// AppChat reads an internal chat that this app made.
// https://developer.work.weixin.qq.com/document/path/90247
func (c *Client) AppChat(ctx context.Context, id string) (bot.AppChat, error) {
	var answer struct {
		Chat struct {
			Name  string       `json:"name"`
			Owner bot.UserID   `json:"owner"`
			Users []bot.UserID `json:"userlist"`
		} `json:"chat_info"`
	}
	if err := c.get(ctx, opAppChatGet, object.StringMap{"chatid": id}, &answer); err != nil {
		return bot.AppChat{}, err
	}
	return bot.AppChat{ID: id, Name: answer.Chat.Name, Owner: answer.Chat.Owner, Users: answer.Chat.Users}, nil
}

// UpdateAppChat renames, hands over, adds and removes people.
// https://developer.work.weixin.qq.com/document/path/90246
func (c *Client) UpdateAppChat(ctx context.Context, id, name string, owner bot.UserID, add, remove []bot.UserID) error {
	request := struct {
		ID     string       `json:"chatid"`
		Name   string       `json:"name,omitempty"`
		Owner  bot.UserID   `json:"owner,omitempty"`
		Add    []bot.UserID `json:"add_user_list,omitempty"`
		Remove []bot.UserID `json:"del_user_list,omitempty"`
	}{id, cutRunes(name, maxAppChatName), owner, add, remove}
	return c.post(ctx, opAppChatSet, request, &struct{}{})
}

// SendAppChat posts a text; what is beyond 2,048 bytes is cut.
// https://developer.work.weixin.qq.com/document/path/90248
func (c *Client) SendAppChat(ctx context.Context, id, text string) error {
	request := struct {
		ID      string   `json:"chatid"`
		MsgType string   `json:"msgtype"`
		Text    textWire `json:"text"`
		Safe    int      `json:"safe"`
	}{id, "text", textWire{cutBytes(text, maxAppText)}, 0}
	return c.post(ctx, opAppChatSend, request, &struct{}{})
}

// RemoveMember removes a member of staff from a chat that this app made. For a customer
// group WeCom refuses it: there, only people can remove people.
// https://developer.work.weixin.qq.com/document/path/90246
func (c *Client) RemoveMember(ctx context.Context, chat bot.ChatID, member bot.MemberID) error {
	return c.UpdateAppChat(ctx, string(chat), "", "", nil, []bot.UserID{bot.UserID(member)})
}
