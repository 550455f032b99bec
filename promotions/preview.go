package promotions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// maxPreviewed is how many groups a preview counts tasks for; a larger company's first ones
// tell enough.
const maxPreviewed = 20_000

// Preview is what an occurrence would post, as things stand.
type Preview struct {
	Spec    store.PromotionSpec
	At      time.Time
	Closes  time.Time // until then owners may confirm
	Zone    *time.Location
	Chat    store.Chat // the group that Message is for; without an id where none is meant
	Owner   string     // its owner's name, or user id where that is not known
	Message bot.Message
	Limits  []Limit
	// What the groups of the promotion get in all; of more than 20,000 groups the first.
	Groups, Owners, Messages, Tasks int
	Blocked                         int // groups in which the message cannot go out
	Outlets                         int // staff chats that get OutletText besides
	OutletText                      string
	Warnings                        []Warning
}

// Limit is how much of a limit of WeCom's a message uses up.
type Limit struct {
	Field string
	Label string // Field in Chinese
	Have  int
	Most  int
	Unit  string // bytes or attachments
}

// Warning is what an operator should know about a preview.
type Warning struct {
	Code   string
	Groups int // that it is about; 0: not about groups
	Text   string
	TextEN string
}

// Preview checks a promotion that was not posted yet and shows what it would say at a moment, or at
// its next time if that is zero, in a group, or in the first it means if that is empty.
func (p *Planner) Preview(ctx context.Context, spec store.PromotionSpec, at time.Time, chat string) (Preview, error) {
	spec.Schedule = p.defaults(spec.Schedule)
	if _, err := p.check(ctx, spec); err != nil {
		return Preview{}, err
	}
	return p.PreviewKnown(ctx, spec, at, chat)
}

// PreviewKnown is Preview for a promotion that was checked when it was posted.
func (p *Planner) PreviewKnown(ctx context.Context, spec store.PromotionSpec, at time.Time, chat string) (Preview, error) {
	r := p.Store.Read(ctx)
	pl, err := p.plan(r, spec)
	if err != nil {
		return Preview{}, err
	}
	if at.IsZero() {
		at = pl.after(p.Now())
	}
	if at.IsZero() { // it is over; so it is shown as of now
		at = p.Now()
	}
	occ := newOccurrence(store.Promotion{Spec: spec}, pl, at, at)
	v := Preview{Spec: spec, At: at, Closes: pl.closesAt(at, spec), Zone: pl.zone}
	t, err := p.countPreview(r, occ, &v)
	if err != nil {
		return v, err
	}
	if chat != "" {
		if v.Chat, err = p.sample(r, spec, chat, &v); err != nil {
			return v, err
		}
	}
	if err := p.show(r, occ, &v); err != nil {
		return v, err
	}
	v.warnContent(t)
	return v, p.showOutlets(occ, &v)
}

// sample is the group that a preview is asked for.
func (p *Planner) sample(r store.Reader, spec store.PromotionSpec, id string, v *Preview) (store.Chat, error) {
	chat, err := r.Chat(bot.ChatID(id))
	if errors.Is(err, store.ErrNotFound) {
		return chat, handlers.Invalidf("chat_id", "group %q is not known", id)
	}
	if err != nil {
		return chat, err
	}
	meant, err := r.Targets(store.TargetFilter{TargetSpec: spec.Targets, Chat: id, Limit: 1})
	if err == nil && len(meant) == 0 {
		v.warn("not_meant", 0, "促销不发到这个群", "the promotion does not go to this group")
	}
	return chat, err
}

// show fills in the message for the preview's group.
func (p *Planner) show(r store.Reader, occ store.Occurrence, v *Preview) error {
	words, err := p.contentFor(r, occ.Message, []store.Chat{v.Chat})
	if err != nil {
		return err
	}
	var inv *handlers.Invalid
	if v.Message, err = words.For(v.Chat); errors.As(err, &inv) {
		v.warn("does_not_fit", 0, "这个群发不出去: "+inv.Error(), "cannot go out in this group: "+inv.Error())
	} else if err != nil {
		return err
	}
	owner, err := r.Staff(bot.UserID(v.Chat.Owner))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	v.Owner = nameOr(owner.Name, v.Chat.Owner)
	v.Limits = limitsOf(v.Message)
	return nil
}

// limitsOf compares a message with WeCom's limits.
func limitsOf(m bot.Message) []Limit {
	out := []Limit{{"text", "文字", len(m.Text), handlers.MaxText, "bytes"}, {"attachments", "附件", len(m.Attachments), maxAttached, "attachments"}}
	names := map[string]string{"title": "标题", "desc": "描述", "url": "网址", "image_url": "图片地址"}
	for i, a := range m.Attachments {
		for _, l := range handlers.AttachmentLimits(a) {
			if l.Value != "" {
				out = append(out, Limit{fmt.Sprintf("attachments[%d].%s", i, l.Name), fmt.Sprintf("附件%d %s", i+1, names[l.Name]), len(l.Value), l.Most, "bytes"})
			}
		}
	}
	return out
}

// tally is what is counted of the groups of a preview.
type tally struct {
	messages map[uint64]bool // the different ones, by their sums
	blank    map[string]int  // groups of which a placeholder's value is not known
	orphans  int             // groups whose owner is not known
}

// countPreview counts what the groups of an occurrence get, batch by batch as planning does,
// and takes the first as the one to show.
func (p *Planner) countPreview(r store.Reader, occ store.Occurrence, v *Preview) (tally, error) {
	t := tally{messages: map[uint64]bool{}, blank: map[string]int{}}
	for more := true; more; {
		b, err := nextBatch(r, occ)
		if err != nil {
			return t, err
		}
		if v.Groups == 0 && len(b.groups) > 0 {
			v.Chat = b.groups[0]
		}
		if err := p.countBatch(r, occ, b.groups, v, &t); err != nil {
			return t, err
		}
		if more, occ.Cursor = b.more, b.cursor; more && v.Groups >= maxPreviewed {
			v.warn("counted_some", v.Groups, fmt.Sprintf("只数了前 %d 个群", v.Groups), fmt.Sprintf("only the first %d groups were counted", v.Groups))
			break
		}
	}
	v.Messages = len(t.messages)
	if v.Outlets = len(outlets(occ)); v.Groups == 0 && v.Outlets == 0 {
		v.warn("no_groups", 0, "现在没有选中任何群", "selects no group now")
	}
	return t, nil
}

func (p *Planner) countBatch(r store.Reader, occ store.Occurrence, groups []store.Chat, v *Preview, t *tally) error {
	words, err := p.contentFor(r, occ.Message, groups)
	if err != nil {
		return err
	}
	words.codes = sampleCodes(occ.Spec.Link, groups)
	owner, ps := "", parts{}
	for _, g := range groups {
		if v.Groups++; g.Owner == "" {
			t.orphans++
			continue
		}
		if g.Owner != owner {
			v.Tasks += len(ps.list)
			owner, ps = g.Owner, parts{}
			v.Owners++
		}
		words.blank(g, t.blank)
		m, err := words.For(g)
		if err != nil {
			v.Blocked++
			continue
		}
		if err := ps.add(m, g); err != nil {
			return err
		}
		t.messages[sumOf(m)] = true
	}
	v.Tasks += len(ps.list)
	return nil
}

// blank counts what the message mentions and nobody knows of a group.
func (c content) blank(g store.Chat, unknown map[string]int) {
	shop := c.shops[g.ShopID]
	for _, f := range [][2]string{{"store", shop.Name}, {"region", shop.Region}, {"group", g.Name}, {"owner", c.staff[g.Owner]}} {
		if f[1] == "" && mentions(c.message, f[0]) {
			unknown[f[0]]++
		}
	}
}

// sampleCodes tells links apart that will be different ones, before they are made.
func sampleCodes(link *store.LinkSpec, groups []store.Chat) map[string]string {
	if link == nil {
		return nil
	}
	codes := map[string]string{}
	for _, g := range groups {
		h := fnv.New64a()
		_, _ = h.Write([]byte(linkScope(link.Per, g)))
		codes[g.ChatID] = fmt.Sprintf("%016x", h.Sum64())[:linkCodeLength]
	}
	return codes
}

func sumOf(m bot.Message) uint64 {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(m) // texts only: neither can fail
	return h.Sum64()
}

func (v *Preview) warn(code string, groups int, zh, en string) {
	v.Warnings = append(v.Warnings, Warning{code, groups, zh, en})
}

// warnContent says what of the message falls away.
func (v *Preview) warnContent(t tally) {
	if t.orphans > 0 {
		v.warn("no_owner", t.orphans, fmt.Sprintf("有 %d 个群不知道群主是谁,没有人能确认发送", t.orphans), fmt.Sprintf("the owner of %d groups is not known: nobody can confirm there", t.orphans))
	}
	for _, name := range placeholders() {
		if n := t.blank[name]; n > 0 {
			v.warn("unknown_"+name, n, fmt.Sprintf("有 %d 个群不知道 {%s},那里会空着", n, name), fmt.Sprintf("{%s} is not known in %d groups and stays empty there", name, n))
		}
	}
	if v.Blocked > 0 {
		v.warn("blocked", v.Blocked, fmt.Sprintf("有 %d 个群因文字过长或为空发不出去", v.Blocked), fmt.Sprintf("cannot go out in %d groups: too long or empty there", v.Blocked))
	}
	var gone []string
	pictures := 0
	for _, pr := range v.Spec.Products {
		if pr.SoldOut() {
			gone = append(gone, pr.Name)
		} else if pr.ImageURL != "" || pr.Media != "" {
			pictures++
		}
	}
	if len(gone) > 0 {
		names := strings.Join(gone, "、")
		v.warn("sold_out", 0, "已售完,不列出: "+names, "sold out and left out: "+names)
	}
	if left := pictures + len(v.Spec.Message.Attachments) - maxAttached; left > 0 {
		v.warn("pictures_left_out", 0, fmt.Sprintf("附件最多 %d 个,有 %d 张商品图放不下", maxAttached, left), fmt.Sprintf("%d pictures of products are left out: at most %d attachments", left, maxAttached))
	}
}
