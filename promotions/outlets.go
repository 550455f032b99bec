package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of what is posted in staff chats.
const (
	maxOutlets    = 50   // of a kind, in one promotion
	maxOutletText = 2048 // bytes: WeCom's limit for app chats and for robots
)

// PostOutlet is the action of posting an occurrence in a staff chat: an app chat, or the group
// of a robot. Nobody has to confirm it.
type PostOutlet struct {
	Occurrence int64  `json:"occurrence"`
	Chat       string `json:"chat"`            // as its delivery names it
	Robot      int64  `json:"robot,omitempty"` // 0: Chat is an app chat
	Text       string `json:"text"`
}

// ActionKind names the action.
func (PostOutlet) ActionKind() string { return "outlet" }

// ActionKey makes one post of an occurrence in each outlet.
func (a PostOutlet) ActionKey() string { return fmt.Sprintf("outlet:%d:%s", a.Occurrence, a.Chat) }

// Retry is never: nobody can ask what was said in a chat, and twice is worse than not.
func (PostOutlet) Retry() bot.RetryRule { return bot.RetryNever }

// OutletPoster performs PostOutlet. A robot that has said all it may in a minute goes on in
// the next one.
type OutletPoster struct {
	Chats  bot.AppChatter
	Robots *handlers.Robots
}

// ActionKind names the action it performs.
func (OutletPoster) ActionKind() string { return PostOutlet{}.ActionKind() }

// Perform posts the text.
func (s OutletPoster) Perform(ctx context.Context, a store.Action) (any, error) {
	var post PostOutlet
	if err := a.Decode(&post); err != nil {
		return nil, err
	}
	if post.Robot != 0 {
		return nil, s.Robots.Post(ctx, post.Robot, post.Text)
	}
	return nil, s.Chats.SendAppChat(ctx, post.Chat, post.Text)
}

// Record takes the delivery along with the action, and ends the occurrence when it was the
// last of it.
func (OutletPoster) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	if o.State == store.ActionPending {
		return nil
	}
	var post PostOutlet
	if err := a.Decode(&post); err != nil {
		return err
	}
	d := store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: o.Error, SubmittedAt: a.TriedAt}
	switch o.State {
	case store.ActionSent:
		d = store.Delivery{Status: store.DeliverySent, SubmittedAt: a.TriedAt, SentAt: tx.Now}
	case store.ActionExpired:
		d.Code, d.Reason = reasonOutletLate.code, reasonOutletLate.en+": "+o.Error
	case store.ActionUnknown:
		d.Code, d.Reason = reasonOutletCut.code, reasonOutletCut.en
	}
	return settleOutlet(tx, post.Occurrence, post.Chat, d)
}

func settleOutlet(tx *store.Tx, occurrence int64, chat string, d store.Delivery) error {
	if err := tx.LockOccurrence(occurrence); err != nil {
		return err
	}
	if err := tx.SettleOutlet(occurrence, chat, d); err != nil {
		return err
	}
	return tx.EndOccurrence(occurrence, "")
}

// planOutlets writes down the staff chats of an occurrence and has the message posted in
// them. It returns how many there are.
func (p *Planner) planOutlets(tx *store.Tx, occ store.Occurrence) (int, error) {
	posts := outlets(occ)
	if len(posts) == 0 {
		return 0, nil
	}
	pl, err := p.plan(tx.Reader, occ.Spec)
	if err != nil {
		return 0, fmt.Errorf("read the schedule: %w", err)
	}
	words := content{message: occ.Message, links: p.links()}
	chats := make([]store.Chat, len(posts))
	for i, post := range posts {
		chats[i].ChatID = post.Chat
	}
	if words.codes, err = p.linkCodes(tx, occ, chats); err != nil {
		return 0, err
	}
	for _, post := range posts {
		if err := planOutlet(tx, occ, words, post, occ.At.Add(max(pl.within, submitGrace))); err != nil {
			return 0, err
		}
	}
	return len(posts), nil
}

func planOutlet(tx *store.Tx, occ store.Occurrence, words content, post PostOutlet, deadline time.Time) error {
	d := deliveryTo(occ, store.Chat{ChatID: post.Chat})
	if d.Outlet = store.OutletAppChat; post.Robot != 0 {
		d.Outlet = store.OutletRobot
	}
	var err error
	if post.Text, err = outletText(words, post.Chat); err != nil {
		why := reasonContent.saying(err.Error())
		d.Status, d.Code, d.Reason = store.DeliveryBlocked, why.code, why.en
		return tx.AddDeliveries([]store.Delivery{d})
	}
	if err := tx.AddDeliveries([]store.Delivery{d}); err != nil {
		return err
	}
	_, err = tx.Enqueue(post, store.When{Deadline: deadline})
	return err
}

// outlets are the posts of an occurrence, without their text.
func outlets(occ store.Occurrence) []PostOutlet {
	var out []PostOutlet
	for _, chat := range occ.Spec.Targets.AppChats {
		out = append(out, PostOutlet{Occurrence: occ.ID, Chat: chat})
	}
	for _, id := range occ.Spec.Targets.Robots {
		out = append(out, PostOutlet{Occurrence: occ.ID, Chat: store.RobotChat(id), Robot: id})
	}
	return out
}

// takeBackOutlets cancels what has not been posted of an occurrence.
func takeBackOutlets(tx *store.Tx, occurrence int64) error {
	open, err := tx.OpenOutlets(occurrence)
	if err != nil {
		return err
	}
	for _, d := range open {
		ok, err := tx.CancelAction(PostOutlet{Occurrence: occurrence, Chat: d.ChatID}.ActionKey())
		if err != nil {
			return err
		}
		if !ok {
			continue // it is on its way
		}
		if err := settleOutlet(tx, occurrence, d.ChatID, reasonStopped.delivery(store.DeliveryCancelled)); err != nil {
			return err
		}
	}
	return nil
}

// outletText is what is said of a message in a staff chat: its text with the titles and
// addresses of its links under it, in one message, for a second one might be lost or come
// twice by itself. Placeholders of what differs from group to group leave nothing behind. A
// *handlers.Invalid says why it cannot be said.
func outletText(words content, chat string) (string, error) {
	m, err := words.For(store.Chat{ChatID: chat})
	if err != nil {
		return "", err
	}
	lines := []string{m.Text}
	for _, a := range m.Attachments {
		if a.Type == bot.AttachLink {
			lines = append(lines, a.Title, a.URL)
		}
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	switch n := len(text); {
	case n == 0:
		return "", handlers.Invalidf("message.text", "is empty and there is no link; staff chats and robots get nothing else of a message")
	case n > maxOutletText:
		return "", handlers.Invalidf("message.text", "has %d bytes as it goes to staff chats and robots, links included; they take at most %d", n, maxOutletText)
	}
	return text, nil
}

// showOutlets fills in what staff chats get in a preview, and says what they do not get.
func (p *Planner) showOutlets(occ store.Occurrence, v *Preview) error {
	if v.Outlets == 0 {
		return nil
	}
	var err error
	var inv *handlers.Invalid
	if v.OutletText, err = outletText(content{message: occ.Message, links: p.links()}, ""); errors.As(err, &inv) {
		v.warn("outlets_blocked", 0, "员工群和群机器人发不了: "+inv.Error(), "cannot go to staff chats and robots: "+inv.Error())
	} else if err != nil {
		return err
	}
	names := map[bot.AttachmentType]string{bot.AttachImage: "图片", bot.AttachMiniprogram: "小程序", bot.AttachVideo: "视频", bot.AttachFile: "文件"}
	var zh, en []string
	for _, kind := range []bot.AttachmentType{bot.AttachImage, bot.AttachMiniprogram, bot.AttachVideo, bot.AttachFile} {
		n := 0
		for _, a := range occ.Message.Attachments {
			if a.Type == kind {
				n++
			}
		}
		if n > 0 {
			zh, en = append(zh, fmt.Sprintf("%s×%d", names[kind], n)), append(en, fmt.Sprintf("%d × %s", n, kind))
		}
	}
	if len(zh) > 0 {
		v.warn("outlets_left_out", 0, "员工群和群机器人只收到文字和链接,不发: "+strings.Join(zh, "、"), "staff chats and robots get the text and the links only, and not: "+strings.Join(en, ", "))
	}
	return nil
}

// checkOutlets refuses staff chats that cannot be posted in, and what cannot be said there.
// The platform is asked, so no transaction may be open.
func (p *Planner) checkOutlets(ctx context.Context, spec store.PromotionSpec, zone *time.Location) error {
	t := spec.Targets
	switch chats, robots := len(t.AppChats), len(t.Robots); {
	case chats+robots == 0:
		return nil
	case chats > maxOutlets:
		return handlers.Invalidf("targets.app_chats", "has %d; want at most %d", chats, maxOutlets)
	case robots > maxOutlets:
		return handlers.Invalidf("targets.robots", "has %d; want at most %d", robots, maxOutlets)
	}
	if _, err := outletText(content{message: longest(spec, zone), links: p.links()}, ""); err != nil {
		return err
	}
	r := p.Store.Read(ctx)
	for i, id := range t.Robots {
		field := fmt.Sprintf("targets.robots[%d]", i)
		if slices.Contains(t.Robots[:i], id) {
			return handlers.Invalidf(field, "robot %d is named twice", id)
		}
		if _, err := r.Robot(id); errors.Is(err, store.ErrNotFound) {
			return handlers.Invalidf(field, "robot %d is not known; see /robots", id)
		} else if err != nil {
			return err
		}
	}
	for i, id := range t.AppChats {
		field := fmt.Sprintf("targets.app_chats[%d]", i)
		if id == "" || slices.Contains(t.AppChats[:i], id) {
			return handlers.Invalidf(field, "%q is empty or named twice", id)
		}
		if err := handlers.CheckAppChat(ctx, p.Chats, field, id); err != nil {
			return err
		}
	}
	return nil
}
