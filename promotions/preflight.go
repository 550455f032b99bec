package promotions

import (
	"cmp"
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

const (
	maxNames  = 3   // groups, owners or promotions that a finding names
	maxOthers = 100 // promotions of one day that are compared
)

// Codes of findings.
const (
	FindNoGroups     = "no_groups"           // no group is meant, or none has an owner
	FindQuotaAll     = "quota_all"           // no group may get a further message
	FindTextTooLong  = "text_too_long"       // WeCom would refuse the message
	FindTextLong     = "text_long"           // WeCom would refuse it in groups with long names
	FindSoldOut      = "sold_out"            // of every product nothing is left
	FindMedia        = "media_missing"       // a file is not in the library, or of the wrong type
	FindQuota        = "quota"               // some groups may get no further message
	FindNoOwner      = "no_owner"            // groups without a known owner
	FindPermission   = "owner_no_permission" // owners who may have no customers
	FindAbsent       = "owner_absent"        // owners who are away on the day
	FindInactive     = "owner_inactive"      // owners who cannot use WeCom, or have left
	FindCalendar     = "calendar_unknown"    // nobody has said yet which days are holidays
	FindDismissed    = "group_dismissed"     // groups that are named and gone
	FindCollision    = "collision"           // groups that get several promotions on the day
	FindDayRule      = "day_rule"            // the same, where a group may get one a day
	FindLink         = "link_dead"           // a link does not answer
	FindLinkHost     = "link_unreachable"    // public_url is inside a private network
	FindProductGone  = "product_sold_out"    // some products are sold out
	FindFewProducts  = "few_products"        // fewer pieces than groups
	FindNoProducts   = "no_products"         // {products} is written, and there is none
	FindUnnamed      = "products_not_named"  // there are products, and nobody will read of them
	FindPrice        = "price_not_lower"     // the old price is not above the new one
	FindMediaExpires = "media_expires"       // files that WeCom keeps for three days
)

// inspection is a look at a promotion before a moment.
type inspection struct {
	p        *Planner
	r        store.Reader
	id       int64 // 0: not written down yet
	spec     store.PromotionSpec
	at       time.Time
	made     time.Time // when it was written down; zero: now
	days     companyDays
	plan     plan
	message  bot.Message // as it would go out, but for what differs from group to group
	meant    store.Condition
	groups   int64 // that are meant
	findings []store.Finding
	// concerns are the groups that a finding is about, by its code.
	concerns map[string]store.Condition
}

// inspect looks for everything that is wrong with a promotion that is posted at a moment, as
// far as the books tell. Nothing is written and nobody outside is asked.
func (p *Planner) inspect(r store.Reader, promo store.Promotion, at time.Time) (*inspection, error) {
	in := &inspection{p: p, r: r, id: promo.ID, spec: promo.Spec, at: at, made: promo.CreatedAt, concerns: map[string]store.Condition{}}
	var err error
	if in.meant, err = r.Targeted(in.spec.Targets); err != nil {
		return nil, err
	}
	if in.days, err = p.companyDays(r); err != nil {
		return nil, err
	}
	if in.plan, err = newPlan(in.spec.Schedule, in.days); err != nil {
		return nil, err
	}
	in.message = newOccurrence(promo, in.plan, at, at).Message
	for _, look := range []func() error{in.content, in.targets, in.others} {
		if err := look(); err != nil {
			return nil, err
		}
	}
	in.products()
	in.offer()
	in.calendar()
	in.linkHost()
	return in, nil
}

// stops says why an occurrence's message cannot go out at all; empty: it can. What only some
// groups cannot get is left to the planning, which writes it down group by group.
func (p *Planner) stops(r store.Reader, occ store.Occurrence) (string, error) {
	in := &inspection{p: p, r: r, spec: occ.Spec, at: occ.At, message: occ.Message}
	in.tooLong()
	if err := in.files(); err != nil {
		return "", err
	}
	in.products()
	for _, f := range in.findings {
		if f.Stops {
			return f.TextEN, nil
		}
	}
	return "", nil
}

func (in *inspection) add(f store.Finding) { in.findings = append(in.findings, f) }

// content finds what WeCom would refuse.
func (in *inspection) content() error {
	if in.tooLong() {
		return nil
	}
	var why *handlers.Invalid
	if err := checkLongest(in.r, in.spec, in.p.Zone, in.p.links()); errors.As(err, &why) {
		in.add(store.Finding{Code: FindTextLong, Level: store.Yellow, Field: why.Field, Count: 1,
			Text:   "填入最长的门店名、群名或群主名时,内容超过企业微信的上限,那些群会收不到;请缩短文字。(" + why.Field + ")",
			TextEN: "With the longest names of stores, groups and owners, the message exceeds a limit of WeCom's, and those groups would not get it: " + why.Field + " " + why.Detail + "."})
	} else if err != nil {
		return err
	}
	in.expiring()
	return in.files()
}

// files finds files that are not in the library any more, or not what they are used as.
func (in *inspection) files() error {
	var why *handlers.Invalid
	err := checkMedia(in.r.Media, in.spec)
	if !errors.As(err, &why) {
		return err
	}
	in.add(store.Finding{Code: FindMedia, Level: store.Red, Stops: true, Field: why.Field, Count: 1,
		Text:   "内容用的素材已不在素材库里,或类型不对,到点不会发送;请重新选择。(" + why.Field + ")",
		TextEN: "A file of the message is not in the library any more, or not what it is used as, and it will not go out: " + why.Field + " " + why.Detail + "."})
	return nil
}

// tooLong finds a message that WeCom would refuse in every group, however short its name.
func (in *inspection) tooLong() bool {
	links := in.p.links()
	m := fill(in.message, map[string]string{
		"store": "", "region": "", "group": "", "owner": "", "link": links + anyCode,
	})
	var why *handlers.Invalid
	if !errors.As(tooLong(withLink(m, links, anyCode)), &why) {
		return false
	}
	in.add(store.Finding{Code: FindTextTooLong, Level: store.Red, Stops: true, Field: why.Field, Count: 1,
		Text:   "内容填好后超过企业微信的上限,到点不会发送;请缩短文字或减少商品。(" + why.Field + ")",
		TextEN: "Once it is filled in, the message exceeds a limit of WeCom's, and it will not go out: " + why.Field + " " + why.Detail + "."})
	return true
}

// expiring finds files that WeCom will have thrown away by then.
func (in *inspection) expiring() {
	made := in.made
	if made.IsZero() {
		made = in.p.Now()
	}
	if in.at.Sub(made) < mediaLife {
		return
	}
	var f store.Finding
	for i, a := range in.spec.Message.Attachments {
		if a.MediaID != "" {
			f.Count++
			f.Field = fmt.Sprintf("message.attachments[%d].media_id", i)
		}
	}
	if f.Count == 0 {
		return
	}
	f.Code, f.Level = FindMediaExpires, store.Yellow
	f.Text = fmt.Sprintf("%d 个附件直接用了企业微信的 media_id,上传三天后失效,到时多半发不出去;请改用素材库里的文件,会自动重新上传。", f.Count)
	f.TextEN = fmt.Sprintf("%d attachments name a media_id of WeCom's, which lasts three days from its upload and will most likely be refused by then. Use files of the media library: they are uploaded again by themselves.", f.Count)
	in.add(f)
}

// mediaLife is how long WeCom keeps an uploaded file.
const mediaLife = 3 * 24 * time.Hour

// calendar finds a day of which nobody has said yet whether it is a holiday.
func (in *inspection) calendar() {
	if !in.plan.guesses(in.at) {
		return
	}
	day := in.at.In(in.plan.zone)
	in.add(store.Finding{Code: FindCalendar, Level: store.Yellow, Field: "schedule.days", Count: 1,
		Text:   fmt.Sprintf("%d 年的节假日安排还没有录入日历,%s 是否放假只是推测;公布后请更新日历。", day.Year(), day.Format("1月2日")),
		TextEN: fmt.Sprintf("The calendar does not know the holidays of %d yet, so whether %s is one is a guess. Bring it up to date when they are announced.", day.Year(), day.Format("2 January"))})
}

// targets finds groups that will not get it, and owners who cannot send it.
func (in *inspection) targets() error {
	meant := in.meant
	q := in.p.quota()
	from, to := q.period(in.at)
	spent, err := in.r.OutOfQuota(in.at, from, to, q.most(in.at))
	if err != nil {
		return err
	}
	owned := store.Not(store.Ownerless())
	total, counts, err := in.r.CountGroups(meant, store.Ownerless(), store.And(owned, spent), store.Unpermitted(), store.Away(in.day()), store.OwnerInactive())
	if err != nil {
		return err
	}
	in.groups = total
	ownerless, full := counts[0], counts[1]
	others := len(in.spec.Targets.AppChats)+len(in.spec.Targets.Robots) > 0
	switch {
	case total == ownerless && !others:
		in.add(store.Finding{Code: FindNoGroups, Level: store.Red, Field: "targets", Count: total,
			Text:   "目标里没有一个能发的客户群(没有群,或群主未知)。",
			TextEN: "The targets hold no group that can be posted in: there is none, or no owner is known."})
		return in.dismissed()
	case full > 0:
		if err := in.quota(store.And(meant, owned, spent), full, full == total-ownerless && !others); err != nil {
			return err
		}
	}
	if ownerless > 0 {
		if err := in.ownerless(store.And(meant, store.Ownerless()), ownerless); err != nil {
			return err
		}
	}
	if err := in.owners(counts[2], counts[3], counts[4]); err != nil {
		return err
	}
	return in.dismissed()
}

// owners finds those who cannot confirm, by the number of their groups.
func (in *inspection) owners(unpermitted, away, inactive int64) error {
	if unpermitted > 0 {
		if err := in.permission(store.And(in.meant, store.Unpermitted()), unpermitted); err != nil {
			return err
		}
	}
	if inactive > 0 {
		if err := in.inactive(store.And(in.meant, store.OwnerInactive()), inactive); err != nil {
			return err
		}
	}
	if away > 0 {
		return in.away(store.And(in.meant, store.Away(in.day())), away)
	}
	return nil
}

// day is the local day of the moment.
func (in *inspection) day() string { return in.at.In(in.p.Zone).Format(time.DateOnly) }

func (in *inspection) quota(c store.Condition, n int64, all bool) error {
	q := in.p.quota()
	zh, en := q.words()
	most := q.most(in.at)
	if all {
		in.concerns[FindQuotaAll] = c
		in.add(store.Finding{Code: FindQuotaAll, Level: store.Red, Field: "targets", Count: n,
			Text:   fmt.Sprintf("全部 %d 个群%s的群发额度(每群 %d 条,含群主手动发的)都已用完,一个群也收不到。", n, zh, most),
			TextEN: fmt.Sprintf("All %d groups have used up their quota of the %s (%d each, with those sent by hand): nobody would get it.", n, en, most)})
		return nil
	}
	return in.about(c, store.Finding{Code: FindQuota, Level: store.Yellow, Field: "targets", Count: n,
		Text:   fmt.Sprintf("%d 个群%s的群发额度(每群 %d 条,含群主手动发的)已用完,收不到", n, zh, most),
		TextEN: fmt.Sprintf("%d groups have used up their quota of the %s (%d each, with those sent by hand) and would not get it", n, en, most)})
}

func (in *inspection) ownerless(c store.Condition, n int64) error {
	return in.about(c, store.Finding{Code: FindNoOwner, Level: store.Yellow, Field: "targets", Count: n,
		Text:   fmt.Sprintf("%d 个群还不知道群主是谁,收不到", n),
		TextEN: fmt.Sprintf("%d groups have no known owner and would not get it", n)})
}

func (in *inspection) dismissed() error {
	c := in.r.Gone(in.spec.Targets)
	n, _, err := in.r.CountGroups(c)
	if err != nil || n == 0 {
		return err
	}
	return in.about(c, store.Finding{Code: FindDismissed, Level: store.Yellow, Field: "targets.chat_ids", Count: n,
		Text:   fmt.Sprintf("指定的群里有 %d 个已解散", n),
		TextEN: fmt.Sprintf("%d of the groups that are named were dismissed", n)})
}

// about adds a finding about groups, with the names of some.
func (in *inspection) about(c store.Condition, f store.Finding) error {
	some, err := in.r.SomeGroups(c, maxNames)
	if err != nil {
		return err
	}
	names := make([]string, len(some))
	for i, g := range some {
		names[i] = nameOr(g.Name, g.ChatID)
	}
	if f.Count == 1 && len(some) == 1 {
		f.ChatID, f.Owner, f.Store = some[0].ChatID, some[0].Owner, some[0].ShopID
	}
	f.Text += ":" + namesOf(names, f.Count, "个") + "。"
	f.TextEN += ": " + namesInEnglish(names, f.Count) + "."
	in.concerns[f.Code] = c
	in.add(f)
	return nil
}

// permission finds owners who cannot send mass messages.
func (in *inspection) permission(c store.Condition, groups int64) error {
	return in.aboutOwners(c, store.Finding{Code: FindPermission, Level: store.Yellow, Field: "targets"},
		"%d 位群主没有客户联系权限,他们的 %d 个群可能收不到:%s。请在管理后台 客户联系→权限配置 里加上。",
		"%d owners have no permission for customer contact, so their %d groups may not get it: %s. Add them in WeCom's console.", groups)
}

// inactive finds owners who can confirm nothing because they cannot use WeCom, or not here.
func (in *inspection) inactive(c store.Condition, groups int64) error {
	return in.aboutOwners(c, store.Finding{Code: FindInactive, Level: store.Yellow, Field: "targets"},
		"%d 位群主的企业微信账号已停用、未激活或已离职,没法确认,他们的 %d 个群多半收不到:%s。请先在管理后台把群转给在职的同事。",
		"%d owners cannot confirm, because their account is disabled, was never activated or has left the company, so their %d groups will most likely not get it: %s. Hand the groups over first, in WeCom's console.", groups)
}

// away finds owners who are absent.
func (in *inspection) away(c store.Condition, groups int64) error {
	return in.aboutOwners(c, store.Finding{Code: FindAbsent, Level: store.Yellow, Field: "targets"},
		"%d 位群主那天请假,只有本人能确认,他们的 %d 个群可能收不到:%s。请提前把群转给同事,或请本人在手机上确认。",
		"%d owners are absent that day and nobody else can confirm, so their %d groups may not get it: %s. Hand the groups over, or ask them to confirm all the same.", groups)
}

// aboutOwners adds a finding about owners, with the names of some.
func (in *inspection) aboutOwners(c store.Condition, f store.Finding, zh, en string, groups int64) error {
	n, some, err := in.r.OwnersOf(c, maxNames)
	if err != nil {
		return err
	}
	names := make([]string, len(some))
	for i, s := range some {
		names[i] = nameOr(s.Name, s.UserID)
	}
	f.Count, f.Text, f.TextEN = n, fmt.Sprintf(zh, n, groups, namesOf(names, n, "位")), fmt.Sprintf(en, n, groups, namesInEnglish(names, n))
	if n == 1 && len(some) == 1 {
		f.Owner = some[0].UserID
	}
	in.concerns[f.Code] = c
	in.add(f)
	return nil
}

// products finds what there is nothing or little of.
func (in *inspection) products() {
	var gone []string
	left, counted := int64(0), true
	for _, pr := range in.spec.Products {
		switch {
		case pr.SoldOut():
			gone = append(gone, pr.Name)
		case pr.Stock == nil:
			counted = false // there is enough of it, as far as is known
		default:
			left += *pr.Stock
		}
	}
	n := int64(len(gone))
	switch some := gone[:min(maxNames, len(gone))]; {
	case n == 0:
	case len(gone) == len(in.spec.Products):
		in.add(store.Finding{Code: FindSoldOut, Level: store.Red, Stops: true, Field: "products", Count: n,
			Text: "所有商品都已售罄,没有可卖的,到点不会发送。", TextEN: "Every product is sold out: there is nothing to sell, and it will not go out."})
		return
	default:
		in.add(store.Finding{Code: FindProductGone, Level: store.Yellow, Field: "products", Count: n,
			Text:   fmt.Sprintf("%d 种商品已售罄,不会写进内容:%s。", n, namesOf(some, n, "种")),
			TextEN: fmt.Sprintf("%d products are sold out and left out of the text: %s.", n, namesInEnglish(some, n))})
	}
	if counted && len(in.spec.Products) > 0 && left < in.groups {
		in.add(store.Finding{Code: FindFewProducts, Level: store.Yellow, Field: "products", Count: left,
			Text:   fmt.Sprintf("商品一共只剩 %d 份,却要发 %d 个群。", left, in.groups),
			TextEN: fmt.Sprintf("Only %d pieces are left for %d groups.", left, in.groups)})
	}
}

// offer finds what a writer most likely forgot or mixed up about the products.
func (in *inspection) offer() {
	var unseen, upside []string
	named := mentions(in.spec.Message, "products")
	for _, pr := range in.spec.Products {
		if !named && pr.ImageURL == "" && pr.Media == "" {
			unseen = append(unseen, pr.Name)
		}
		if pr.WasFen > 0 && pr.WasFen <= pr.PriceFen {
			upside = append(upside, pr.Name)
		}
	}
	if named && len(in.spec.Products) == 0 {
		in.add(store.Finding{Code: FindNoProducts, Level: store.Yellow, Field: "products",
			Text: "内容里写了 {products},却没有填商品,那里会空着。", TextEN: "The message has {products} and there are none: nothing stands there."})
	}
	if n := int64(len(unseen)); n > 0 {
		some := unseen[:min(maxNames, n)]
		in.add(store.Finding{Code: FindUnnamed, Level: store.Yellow, Field: "message.text", Count: n,
			Text:   fmt.Sprintf("内容里没有 {products},有 %d 种商品也没有图片,顾客看不到:%s。", n, namesOf(some, n, "种")),
			TextEN: fmt.Sprintf("The message lacks {products}, and customers see nothing of %d products without a picture: %s.", n, namesInEnglish(some, n))})
	}
	if n := int64(len(upside)); n > 0 {
		some := upside[:min(maxNames, n)]
		in.add(store.Finding{Code: FindPrice, Level: store.Yellow, Field: "products", Count: n,
			Text:   fmt.Sprintf("%d 种商品的原价不高于现价,两个价格可能填反了:%s。", n, namesOf(some, n, "种")),
			TextEN: fmt.Sprintf("The old price of %d products is not above the new one; they may have been mixed up: %s.", n, namesInEnglish(some, n))})
	}
}

// nameOr is a name, or the id of what has none.
func nameOr(name, id string) string { return cmp.Or(name, id) }

// namesOf names some of many things.
func namesOf(names []string, n int64, unit string) string {
	text := "「" + strings.Join(names, "」「") + "」"
	if n > int64(len(names)) {
		text += fmt.Sprintf("等 %d %s", n, unit)
	}
	return text
}

func namesInEnglish(names []string, n int64) string {
	text := strings.Join(names, ", ")
	if more := n - int64(len(names)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// verdict is the gravest level of findings.
func verdict(findings []store.Finding) string {
	out := store.Green
	for _, f := range findings {
		if f.Level == store.Red {
			return store.Red
		}
		out = store.Yellow
	}
	return out
}

// others finds groups that get several promotions on the day.
func (in *inspection) others() error {
	from, to := Quota{QuotaDay, in.p.Zone}.period(in.at)
	promos, posted, err := in.r.PromotionsOf(from, to, maxOthers)
	if err != nil {
		return err
	}
	var names []string
	var conds []store.Condition
	daily := in.p.quota().Rule == QuotaDay
	for _, promo := range promos {
		var c []store.Condition
		if promo.ID == in.id {
			continue
		}
		if slices.Contains(posted, promo.ID) {
			c = append(c, store.PostedBy(promo.ID, from, to))
		}
		if slotBetween(promo, in.days, from, to) {
			means, err := in.r.Targeted(promo.Spec.Targets)
			if err != nil {
				return err
			}
			c = append(c, means)
		}
		if len(c) > 0 {
			names, conds = append(names, promo.Name), append(conds, store.Or(c...))
		}
	}
	if other := in.otherSlot(from, to); daily && !other.IsZero() {
		names, conds = append(names, in.spec.Name+" "+other.In(in.plan.zone).Format("15:04")), append(conds, store.And())
	}
	if len(conds) == 0 {
		return nil
	}
	any := store.Or(conds...)
	each := conds
	if len(conds) > 1 { // else any is the same
		each = append(slices.Clip(conds), any)
	}
	_, counts, err := in.r.CountGroups(in.meant, each...)
	if err != nil {
		return err
	}
	n := counts[len(counts)-1]
	var clash []string
	for i, name := range names {
		if counts[i] > 0 {
			clash = append(clash, name)
		}
	}
	if n == 0 {
		return nil
	}
	f := store.Finding{Code: FindCollision, Level: store.Yellow, Field: "schedule", Count: n}
	some := clash[:min(maxNames, len(clash))]
	day := in.at.In(in.p.Zone)
	f.Text = fmt.Sprintf("%s这天有 %d 个群还会收到别的促销:%s。", day.Format("1月2日"), n, namesOf(some, int64(len(clash)), "个促销"))
	f.TextEN = fmt.Sprintf("On %s, %d groups get other promotions too: %s.", day.Format("2 January"), n, namesInEnglish(some, int64(len(clash))))
	if daily {
		f.Code = FindDayRule
		f.Text += "每群每天只能收 1 条群发,后发的会被拦下。"
		f.TextEN += " A group may get 1 mass message a day, so the later ones will be blocked."
	}
	in.concerns[f.Code] = store.And(in.meant, any)
	in.add(f)
	return nil
}

// otherSlot is a slot of the promotion itself between two moments that is not the one which
// is looked at; zero: there is none.
func (in *inspection) otherSlot(from, to time.Time) time.Time {
	at := in.plan.after(from.Add(-time.Millisecond))
	if at.Equal(in.at) {
		at = in.plan.after(at)
	}
	if at.IsZero() || !at.Before(to) {
		return time.Time{}
	}
	return at
}

// slotBetween reports whether a promotion has a slot from its next one on between two moments.
func slotBetween(promo store.Promotion, days companyDays, from, to time.Time) bool {
	next := promo.NextAt
	if next.IsZero() {
		return false
	}
	if next.Before(from) {
		pl, err := newPlan(promo.Spec.Schedule, days)
		if err != nil {
			return false // it could be planned when it was written; it is not this one's fault
		}
		next = pl.after(from.Add(-time.Millisecond))
	}
	return !next.IsZero() && next.Before(to)
}

// links finds links that do not answer.
func (in *inspection) askLinks(ctx context.Context) {
	if in.p.Links == nil {
		return
	}
	var urls []string
	for _, a := range addresses(in.spec) {
		if !strings.Contains(a.url, "{") && !isOurs(a.url, in.p.PublicURL) && !slices.Contains(urls, a.url) {
			urls = append(urls, a.url)
		}
	}
	faults := in.p.Links.ask(ctx, urls)
	for _, a := range addresses(in.spec) {
		fault, dead := faults[a.url]
		if !dead {
			continue
		}
		delete(faults, a.url)
		in.add(store.Finding{Code: FindLink, Level: store.Yellow, Field: a.field, Count: 1,
			Text:   fmt.Sprintf("链接打不开:%s(%s)。", shortened(a.url), fault.zh),
			TextEN: fmt.Sprintf("A link %s: %s.", fault.en, shortened(a.url))})
	}
}

// shortened is an address without what follows its path, which nobody reads.
func shortened(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	if r := []rune(raw); len(r) > 80 {
		raw = string(r[:80]) + "…"
	}
	return raw
}
