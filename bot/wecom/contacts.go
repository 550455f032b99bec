package wecom

import (
	"context"
	"fmt"

	"github.com/ArtisanCloud/PowerLibs/v3/object"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"

	"xiaobu/bot"
)

// maxFollowPages bounds how many pages of 500 followers of one customer are read.
const maxFollowPages = 20

// Contact reads one customer with all followers.
// https://developer.work.weixin.qq.com/document/path/92114
func (c *Client) Contact(ctx context.Context, id bot.ExternalUserID) (bot.Contact, error) {
	contact := bot.Contact{ID: id}
	cursor := ""
	for range maxFollowPages {
		query := object.StringMap{"external_userid": string(id)}
		if cursor != "" {
			query["cursor"] = cursor
		}
		var page contactWire
		if err := c.get(ctx, opContact, query, &page); err != nil {
			return bot.Contact{}, err
		}
		page.addTo(&contact)
		if page.Next == "" || page.Next == cursor {
			return contact, nil
		}
		cursor = page.Next
	}
	return bot.Contact{}, refused(opContact, fmt.Sprintf("more than %d pages of followers", maxFollowPages))
}

// contactWire is a page of a customer as WeCom writes it.
type contactWire struct {
	Contact struct {
		Name    string `json:"name"`
		UnionID string `json:"unionid"`
	} `json:"external_contact"`
	Follows []struct {
		User       bot.UserID `json:"userid"`
		CreateTime number     `json:"createtime"`
		State      string     `json:"state"`
	} `json:"follow_user"`
	Next string `json:"next_cursor"`
}

func (w *contactWire) addTo(c *bot.Contact) {
	if w.Contact.Name != "" {
		c.Name = w.Contact.Name
	}
	if w.Contact.UnionID != "" {
		c.UnionID = w.Contact.UnionID
	}
	for _, f := range w.Follows {
		c.Follows = append(c.Follows, bot.Follow{User: f.User, AddedAt: seconds(f.CreateTime), State: f.State})
	}
}

// FollowUsers lists the members of staff who may have customers, as far as the app sees them.
// https://developer.work.weixin.qq.com/document/path/92571
func (c *Client) FollowUsers(ctx context.Context) ([]bot.UserID, error) {
	var users []bot.UserID
	err := c.do(ctx, opFollowUsers, func(w *work.Work) error {
		answer, err := w.ExternalContact.GetFollowUsers(ctx)
		if err != nil {
			return err
		}
		for _, user := range answer.FollowUser {
			users = append(users, bot.UserID(user))
		}
		return nil
	})
	return users, err
}

// StaffMember reads a member of the company. The name is empty where the app may not see it.
// https://developer.work.weixin.qq.com/document/path/90196
func (c *Client) StaffMember(ctx context.Context, id bot.UserID) (bot.StaffMember, error) {
	var answer struct {
		Name   string `json:"name"`
		Status int    `json:"status"`
	}
	if err := c.get(ctx, opStaff, object.StringMap{"userid": string(id)}, &answer); err != nil {
		return bot.StaffMember{}, err
	}
	return bot.StaffMember{ID: id, Name: answer.Name, Status: staffStatus(answer.Status)}, nil
}

// staffStatus reads a member's status; what is not documented says nothing.
func staffStatus(n int) bot.StaffStatus {
	switch n {
	case 1:
		return bot.StaffActive
	case 2:
		return bot.StaffDisabled
	case 4:
		return bot.StaffNotActivated
	case 5:
		return bot.StaffLeft
	}
	return ""
}
