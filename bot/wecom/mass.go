package wecom

import (
	"context"
	"fmt"
	"time"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"
	mass "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/messageTemplate/request"

	"xiaobu/bot"
)

const (
	maxMassChats = 2000
	massPage     = 100  // mass messages on one page
	resultPage   = 1000 // tasks and results on one page
)

// CreateMassMessage makes one task for one owner. The message goes out as it is or not at
// all: cut short, it could no longer be recognised among MassMessages.
// https://developer.work.weixin.qq.com/document/path/92135
func (c *Client) CreateMassMessage(ctx context.Context, m bot.MassMessage) (string, []bot.ChatID, error) {
	// With an empty list WeCom would take every group of the owner.
	if m.Owner == "" || len(m.Chats) == 0 || len(m.Chats) > maxMassChats {
		return "", nil, refused(opMassCreate, fmt.Sprintf("wants an owner and 1 to %d groups", maxMassChats))
	}
	text, attachments, err := contentOf(opMassCreate, m.Message)
	if err != nil {
		return "", nil, err
	}
	request := struct {
		ChatType    string           `json:"chat_type"`
		Chats       []bot.ChatID     `json:"chat_id_list"`
		Sender      bot.UserID       `json:"sender"`
		AllowSelect bool             `json:"allow_select"`
		Text        *textWire        `json:"text,omitempty"`
		Attachments []attachmentWire `json:"attachments,omitempty"`
	}{"group", m.Chats, m.Owner, false, text, attachments}
	var answer struct {
		ID     string       `json:"msgid"`
		Failed []bot.ChatID `json:"fail_list"`
	}
	if err := c.post(ctx, opMassCreate, request, &answer); err != nil {
		return "", nil, err
	}
	if len(answer.Failed) > 0 {
		c.log.Warn("mass message does not reach every group", "mass", answer.ID, "groups", len(m.Chats), "failed", len(answer.Failed))
	}
	return answer.ID, answer.Failed, missing(opMassCreate, "msgid", answer.ID)
}

// MassMessages lists the mass messages to groups that the company made between two times.
// https://developer.work.weixin.qq.com/document/path/93338
func (c *Client) MassMessages(ctx context.Context, from, to time.Time, cursor string) ([]bot.MassMessageRef, string, error) {
	request := struct {
		ChatType string `json:"chat_type"`
		Start    int64  `json:"start_time"`
		End      int64  `json:"end_time"`
		Filter   int    `json:"filter_type"` // 0: made by the company, not by its people
		Limit    int    `json:"limit"`
		Cursor   string `json:"cursor"`
	}{"group", from.Unix(), to.Unix(), 0, massPage, cursor}
	var answer struct {
		Messages []struct {
			ID          string           `json:"msgid"`
			CreateTime  number           `json:"create_time"`
			Text        *textWire        `json:"text"`
			Attachments []attachmentWire `json:"attachments"`
		} `json:"group_msg_list"`
		Next string `json:"next_cursor"`
	}
	if err := c.post(ctx, opMassList, request, &answer); err != nil {
		return nil, "", err
	}
	page := make([]bot.MassMessageRef, 0, len(answer.Messages))
	for _, m := range answer.Messages {
		page = append(page, bot.MassMessageRef{ID: m.ID, CreatedAt: seconds(m.CreateTime), Message: message(m.Text, m.Attachments)})
	}
	return page, answer.Next, nil
}

// MassTasks lists the owners of a mass message and whether they confirmed.
// https://developer.work.weixin.qq.com/document/path/93338
func (c *Client) MassTasks(ctx context.Context, id, cursor string) ([]bot.MassTask, string, error) {
	request := struct {
		ID     string `json:"msgid"`
		Limit  int    `json:"limit"`
		Cursor string `json:"cursor"`
	}{id, resultPage, cursor}
	var answer struct {
		Tasks []struct {
			User     bot.UserID `json:"userid"`
			Status   number     `json:"status"`
			SendTime number     `json:"send_time"`
		} `json:"task_list"`
		Next string `json:"next_cursor"`
	}
	if err := c.post(ctx, opMassTasks, request, &answer); err != nil {
		return nil, "", err
	}
	page := make([]bot.MassTask, 0, len(answer.Tasks))
	for _, t := range answer.Tasks {
		task := bot.MassTask{Owner: t.User, Confirmed: t.Status == 2}
		if task.Confirmed {
			task.SentAt = seconds(t.SendTime)
		}
		page = append(page, task)
	}
	return page, answer.Next, nil
}

// MassResults lists the groups an owner's task reached.
// https://developer.work.weixin.qq.com/document/path/93338
func (c *Client) MassResults(ctx context.Context, id string, owner bot.UserID, cursor string) ([]bot.SendResult, string, error) {
	request := struct {
		ID     string     `json:"msgid"`
		User   bot.UserID `json:"userid"`
		Limit  int        `json:"limit"`
		Cursor string     `json:"cursor"`
	}{id, owner, resultPage, cursor}
	var answer struct {
		Results []struct {
			Chat     bot.ChatID `json:"chat_id"`
			Status   number     `json:"status"`
			SendTime number     `json:"send_time"`
		} `json:"send_list"`
		Next string `json:"next_cursor"`
	}
	if err := c.post(ctx, opMassResults, request, &answer); err != nil {
		return nil, "", err
	}
	page := make([]bot.SendResult, 0, len(answer.Results))
	for _, r := range answer.Results {
		if r.Chat == "" {
			continue // a person, not a group
		}
		page = append(page, bot.SendResult{Chat: r.Chat, Status: sendStatus(r.Status), SentAt: seconds(r.SendTime)})
	}
	return page, answer.Next, nil
}

func sendStatus(n number) bot.SendStatus {
	switch n {
	case 1:
		return bot.SendDone
	case 2:
		return bot.SendRefused
	case 3:
		return bot.SendQuota
	}
	return bot.SendPending
}

// RemindMassMessage nudges owners who have not confirmed.
// https://developer.work.weixin.qq.com/document/path/97610
func (c *Client) RemindMassMessage(ctx context.Context, id string) error {
	return c.do(ctx, opMassRemind, func(w *work.Work) error {
		_, err := w.ExternalContactMessageTemplate.RemindGroupMsgSend(ctx, &mass.RequestRemindGroupMsgSend{MsgID: id})
		return err
	})
}

// CancelMassMessage stops what has not been posted. That it was stopped before is an error
// of class done.
// https://developer.work.weixin.qq.com/document/path/97611
func (c *Client) CancelMassMessage(ctx context.Context, id string) error {
	return c.do(ctx, opMassCancel, func(w *work.Work) error {
		_, err := w.ExternalContactMessageTemplate.CancelGroupMsgSend(ctx, &mass.RequestCancelGroupMsgSend{MsgID: id})
		return err
	})
}
