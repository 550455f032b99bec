package wecom

import (
	"context"
	"fmt"
	"strings"
	"time"

	"xiaobu/bot"
)

const (
	maxOwners = 100  // in one list of groups
	chatsPage = 1000 // groups on one page
)

// chatWire is a group as WeCom writes it.
type chatWire struct {
	ID         string       `json:"chat_id"`
	Name       string       `json:"name"`
	Owner      string       `json:"owner"`
	CreateTime number       `json:"create_time"`
	Members    []memberWire `json:"member_list"`
	Admins     []userWire   `json:"admin_list"`
	Version    string       `json:"member_version"`
}

type memberWire struct {
	UserID   string    `json:"userid"`
	Type     number    `json:"type"`
	UnionID  string    `json:"unionid"`
	JoinTime number    `json:"join_time"`
	Scene    number    `json:"join_scene"`
	Invitor  *userWire `json:"invitor"`
	State    string    `json:"state"`
	Nickname string    `json:"group_nickname"`
	Name     string    `json:"name"`
}

type userWire struct {
	UserID string `json:"userid"`
}

// Chat reads one group with its members. Right after an event WeCom may still answer with
// the group as it was: compare Version with the event's.
// https://developer.work.weixin.qq.com/document/path/92122
func (c *Client) Chat(ctx context.Context, id bot.ChatID) (bot.Chat, error) {
	request := struct {
		ChatID   bot.ChatID `json:"chat_id"`
		NeedName int        `json:"need_name"`
	}{id, 1}
	var answer struct {
		Chat *chatWire `json:"group_chat"`
	}
	if err := c.post(ctx, opChat, request, &answer); err != nil {
		return bot.Chat{}, err
	}
	if answer.Chat == nil {
		return bot.Chat{}, &bot.APIError{Op: opChat, Msg: "answer without a group", Class: bot.ClassRetry}
	}
	return answer.Chat.chat(id), nil
}

func (w *chatWire) chat(id bot.ChatID) bot.Chat {
	chat := bot.Chat{
		ID: id, Name: w.Name, Owner: bot.UserID(w.Owner),
		CreatedAt: seconds(w.CreateTime),
		Version:   bot.MemberVersion(w.Version),
		Members:   make([]bot.Member, 0, len(w.Members)),
	}
	for _, a := range w.Admins {
		chat.Admins = append(chat.Admins, bot.UserID(a.UserID))
	}
	for _, m := range w.Members {
		chat.Members = append(chat.Members, m.member())
	}
	return chat
}

func (w memberWire) member() bot.Member {
	m := bot.Member{
		ID: bot.MemberID(w.UserID), Kind: memberKind(w), Scene: joinScene(w.Scene),
		Name: w.Name, Nickname: w.Nickname, UnionID: w.UnionID, State: w.State,
		JoinedAt: seconds(w.JoinTime),
	}
	if w.Invitor != nil {
		m.Inviter = bot.UserID(w.Invitor.UserID)
	}
	return m
}

// memberKind goes by the member's type, and by the id where WeCom gives a type we do not
// know: only customers' ids begin with wm and wo.
func memberKind(w memberWire) bot.MemberKind {
	switch w.Type {
	case 1:
		return bot.Staff
	case 2:
		return bot.Customer
	}
	if strings.HasPrefix(w.UserID, "wm") || strings.HasPrefix(w.UserID, "wo") {
		return bot.Customer
	}
	return bot.Staff
}

// joinScene reads the member list's scenes, which are not those of the events.
func joinScene(n number) bot.JoinScene {
	switch n {
	case 1:
		return bot.JoinInvited
	case 2:
		return bot.JoinLink
	case 3:
		return bot.JoinQR
	}
	return ""
}

// Chats lists the groups of at most 100 owners; without owners, of everyone the app sees,
// which WeCom refuses for more than 1,000 people.
// https://developer.work.weixin.qq.com/document/path/92120
func (c *Client) Chats(ctx context.Context, owners []bot.UserID, cursor string) ([]bot.ChatRef, string, error) {
	if len(owners) > maxOwners {
		return nil, "", refused(opChats, fmt.Sprintf("%d owners, at most %d", len(owners), maxOwners))
	}
	type filter struct {
		Users []bot.UserID `json:"userid_list"`
	}
	request := struct {
		Status int     `json:"status_filter"`
		Owners *filter `json:"owner_filter,omitempty"`
		Cursor string  `json:"cursor"`
		Limit  int     `json:"limit"`
	}{Cursor: cursor, Limit: chatsPage}
	if len(owners) > 0 {
		request.Owners = &filter{owners}
	}
	var answer struct {
		Chats []struct {
			ID     bot.ChatID `json:"chat_id"`
			Status number     `json:"status"`
		} `json:"group_chat_list"`
		Next string `json:"next_cursor"`
	}
	err := c.post(ctx, opChats, request, &answer)
	if isCode(err, codeNoContact) {
		return nil, "", nil // people without customers have no groups either
	}
	if err != nil {
		return nil, "", err
	}
	page := make([]bot.ChatRef, 0, len(answer.Chats))
	for _, ref := range answer.Chats {
		// 1: the owner has left; 2: being handed on, so nobody has the group yet.
		page = append(page, bot.ChatRef{ID: ref.ID, OwnerGone: ref.Status == 1 || ref.Status == 2})
	}
	return page, answer.Next, nil
}

// seconds turns WeCom's time into ours; 0 and what is missing is no time.
func seconds(n number) time.Time {
	if n <= 0 || n >= lastTime {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}
